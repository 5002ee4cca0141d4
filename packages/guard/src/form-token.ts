import type { IncomingMessage } from 'node:http';
import { GuardError } from './errors.ts';
import { carriesToken } from './exposure.ts';
import type { Guard } from './guard.ts';

/** Most of a form that is read to tell its sender why it is refused, in bytes. */
const FORM_BYTES = 16_384;

/** A request that goes no further. */
export interface RefusedRequest {
  readonly contentType: string | null | undefined;
  body(): AsyncIterable<Uint8Array>;
}

/**
 * A request without credentials may have put its token into the form (RFC 6750 §2.2): then the answer says so.
 * @throws whatever is no refusal
 */
export async function explainRefusal(
  error: unknown,
  guard: Guard,
  request: RefusedRequest,
): Promise<GuardError> {
  if (!(error instanceof GuardError)) throw error;
  if (error.reason !== 'credentials_missing') return error;
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.contentType ?? '')) return error;
  return carriesToken(await readStart(request)) ? guard.refuse('token_in_body') : error;
}

export async function explainNodeRefusal(
  error: unknown,
  guard: Guard,
  request: IncomingMessage,
): Promise<GuardError> {
  const refusal = await explainRefusal(error, guard, {
    contentType: request.headers['content-type'],
    body: () => request.iterator({ destroyOnReturn: false }),
  });
  // Node discards the body of a request that nobody began to read; of this one the rest would block the connection.
  if (request.readableDidRead) request.resume();
  return refusal;
}

async function readStart(request: RefusedRequest): Promise<string> {
  const ascii = new TextDecoder('latin1');
  let text = '';
  try {
    for await (const chunk of request.body()) {
      text += ascii.decode(chunk);
      if (text.length >= FORM_BYTES) break;
    }
  } catch {
    // Cut short, or read by somebody else: what came is enough to tell.
  }
  return text.slice(0, FORM_BYTES);
}
