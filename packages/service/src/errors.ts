import { ERRORS, type ErrorBody, type ErrorCode } from '@latchkey/protocol';

export interface HttpErrorOptions {
  /** Public text; the catalog's when absent. Never anything private. */
  description?: string;
  /** What is wrong with the body, by field (`invalid_body`). */
  fields?: ErrorBody['fields'];
  /** Response headers that go with the error (`Retry-After`, `WWW-Authenticate`). */
  headers?: Record<string, string>;
  /** The private cause: logged under the request id, never sent. */
  cause?: unknown;
}

/** An error as data: a code of the catalog, public text, private cause. Rendered once, by the shell. */
export class HttpError extends Error {
  override name = 'HttpError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly description: string;
  readonly fields: ErrorBody['fields'];
  readonly headers: Record<string, string>;

  constructor(code: ErrorCode, options: HttpErrorOptions = {}) {
    const description = options.description ?? ERRORS[code].description;
    super(description, { cause: options.cause });
    this.code = code;
    this.status = ERRORS[code].status;
    this.description = description;
    this.fields = options.fields;
    this.headers = options.headers ?? {};
  }

  toBody(requestId?: string): ErrorBody {
    return {
      error: this.code,
      error_description: this.description,
      ...(this.fields ? { fields: this.fields } : {}),
      ...(requestId ? { request_id: requestId } : {}),
    };
  }
}

/** The store a request needs is away: 503, and when to come back (RFC 9110 §10.2.3). */
export function unavailable(cause: unknown): HttpError {
  return new HttpError('temporarily_unavailable', { cause, headers: { 'Retry-After': '2' } });
}

/**
 * The public face of anything thrown: an `HttpError` is itself, a store that is away is a 503, an error that
 * Koa or a body parser marked as the client's keeps its status, the rest is a plain 500.
 */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof Error) {
    if (error.name === 'StorageUnavailableError') return unavailable(error);
    const status = (error as { status?: unknown }).status;
    if (status === 404) return new HttpError('not_found', { cause: error });
    if (typeof status === 'number' && status >= 400 && status < 500) {
      return new HttpError('invalid_request', { cause: error });
    }
  }
  return new HttpError('server_error', { cause: error });
}
