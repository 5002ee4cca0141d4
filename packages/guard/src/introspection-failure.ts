import { describeFetchFailure } from './fetch-failure.ts';

/** What went wrong between us and the authorization server, in words for whoever set this up. */
export class IntrospectionError extends Error {
  override name = 'IntrospectionError';
  /** The server understood and said no: to ask again would bring the same. */
  readonly final: boolean;

  constructor(message: string, options: { final?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.final = options.final ?? false;
  }
}

/** What it usually is, where it is the set-up and no outage. */
const HINTS: Readonly<Record<number, string>> = {
  400: 'is this an introspection endpoint (RFC 7662)?',
  401: 'our client id or secret is wrong',
  403: 'our client may not introspect',
  404: 'is this its introspection endpoint?',
  405: 'is this its introspection endpoint?',
  421: 'is this its public URL?',
  429: 'it limits how often we may ask',
};

/** `code` is the `error` of the answer (RFC 6749 §5.2), where there is one. */
export function refusedByServer(endpoint: string, status: number, code: string | undefined) {
  const hint =
    status < 400 ? 'it sends us elsewhere, where the credential must not go' : (HINTS[status] ?? '');
  const what = [status, code].filter(Boolean).join(' ');
  return new IntrospectionError(`${endpoint} answered ${what}${hint && `: ${hint}`}`, {
    final: status < 500,
    cause: { status, ...(code !== undefined && { error: code }) },
  });
}

export function unreachable(endpoint: string, error: unknown, timeoutMs: number): IntrospectionError {
  if (error instanceof IntrospectionError) return error;
  return new IntrospectionError(describeFetchFailure(endpoint, error, timeoutMs), { cause: error });
}

/** Hands on the first failure, and then one in each of these times: an outage fails each request. */
const QUIET_MS = 60_000;

export function createFailureReport(tell: ((error: Error) => void) | undefined, now: () => number) {
  let quietUntil = Number.NEGATIVE_INFINITY;
  return (error: unknown) => {
    if (tell === undefined || !(error instanceof Error) || now() < quietUntil) return;
    quietUntil = now() + QUIET_MS;
    tell(error);
  };
}
