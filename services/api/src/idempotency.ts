import type { Principal } from '@latchkey/guard';
import { HttpError, type Logger } from '@latchkey/service';
import { digestSecret, type IdempotencyClaim, type IdempotencyKeys } from '@latchkey/storage';
import { openAnswer, sealAnswer } from './sealed-answer.ts';

/** How long a key stands for its request. */
const LIFE_SECONDS = 86_400;
/** No request runs this long: after it, the process that had the first one is taken for dead. */
const STILL_RUNNING_MS = 60_000;

/** What an endpoint answered, before it is sent. */
export interface Outcome {
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

export interface IdempotentRequest {
  /** As it was sent. */
  header: string;
  /** Keys of different callers never meet. */
  principal: Principal;
  /** What was asked for, validated: the same for bodies that differ in spacing or order alone. */
  asked: { method: string; path: string; query: unknown; body: unknown };
  requestId: string;
}

export interface Idempotency {
  /** Performs the request, unless the same one was performed in the last 24 hours: then `replayed` says so. */
  once(
    request: IdempotentRequest,
    perform: () => Promise<Outcome>,
  ): Promise<{ outcome: Outcome; replayed: boolean }>;
}

export interface IdempotencyDeps {
  keys: Pick<IdempotencyKeys, 'claim' | 'settle' | 'release'>;
  pepper: Buffer;
  logger: Logger;
  now?: () => Date;
}

/** draft-ietf-httpapi-idempotency-key-header: a POST that is sent again with its key takes effect once. */
export function createIdempotency({ keys, pepper, logger, now }: IdempotencyDeps): Idempotency {
  const clock = now ?? (() => new Date());
  return {
    async once(request, perform) {
      const idempotencyKey = parseIdempotencyKey(request.header);
      const digest = digestSecret(pepper, recordName(request.principal, idempotencyKey));
      const lock = { pepper, idempotencyKey, digest };
      const fingerprint = digestSecret(pepper, requestName(request));
      const claim = await keys.claim(digest, fingerprint, LIFE_SECONDS);
      if (claim.state === 'answered') {
        return { outcome: openAnswer(lock, claim.answer.sealed) as Outcome, replayed: true };
      }
      if (claim.state !== 'claimed') throw refuse(claim, clock());
      const keep = (outcome: Outcome) =>
        keys.settle(digest, { status: outcome.status, sealed: sealAnswer(lock, outcome) });
      /** The answer stands whether or not it could be kept. */
      const orLog = (written: Promise<void>) =>
        written.catch((err: unknown) =>
          logger.error({ err, request_id: request.requestId }, 'idempotency record not written'),
        );
      try {
        const outcome = await perform();
        await orLog(keep(outcome));
        return { outcome, replayed: false };
      } catch (error) {
        if (error instanceof HttpError) {
          await orLog(isFinal(error) ? keep(toOutcome(error, request.requestId)) : keys.release(digest));
        }
        // Anything else leaves the claim: whether the request took effect is not known.
        throw error;
      }
    },
  };
}

/** 1 to 255 visible ASCII characters, bare or as a structured field's string (RFC 9651 §3.3.3). */
function parseIdempotencyKey(header: string): string {
  const quoted = /^"((?:[\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/.exec(header)?.[1]?.replace(/\\(.)/g, '$1');
  const key = quoted ?? (header.startsWith('"') ? '' : header);
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new HttpError('invalid_request', {
    description: 'Idempotency-Key must be 1 to 255 visible ASCII characters, and given once',
  });
}

function recordName(
  { organizationId, environment, credentialId, accountId }: Principal,
  key: string,
): string {
  return JSON.stringify(['idempotency', organizationId, environment, credentialId, accountId ?? null, key]);
}

/** With what the caller may do: an answer can hold an API key, which a weaker token of the same client must not get. */
function requestName({ asked, principal: { scopes, role } }: IdempotentRequest): string {
  return JSON.stringify({ ...asked, scopes: [...scopes].toSorted(), role: role ?? null });
}

/** What the endpoint decided about the request, not about who sent it or when: that may be otherwise next time. */
function isFinal({ status }: HttpError): boolean {
  return status < 500 && ![401, 403, 429].includes(status);
}

function toOutcome(error: HttpError, requestId: string): Outcome {
  return { status: error.status, headers: error.headers, body: error.toBody(requestId) };
}

function refuse(claim: Exclude<IdempotencyClaim, { state: 'claimed' | 'answered' }>, now: Date): HttpError {
  if (claim.state === 'reused') return new HttpError('idempotency_key_reused');
  if (now.getTime() - claim.since.getTime() < STILL_RUNNING_MS) {
    return new HttpError('idempotency_in_progress', { headers: { 'Retry-After': '1' } });
  }
  // No Retry-After: a caller who waits for the key to expire would place a second work order.
  return new HttpError('idempotency_in_progress', {
    description:
      'The first request with this Idempotency-Key was never answered. Look whether it took effect; ' +
      'if it did not, send it with a new key',
  });
}
