import { hash } from 'node:crypto';
import type { SharedStorage } from '@latchkey/storage';
import type Provider from 'oidc-provider';
import { type Configuration, errors } from 'oidc-provider';

/** An hour, and a minute for a client whose clock is ahead. */
const MAX_LIFE_SECONDS = 3_660;

type AssertAssertion = NonNullable<Configuration['assertJwtClientAuthClaimsAndHeader']>;

/**
 * RFC 7523 §3 lets a server refuse an assertion that expires unreasonably far in the future. Each is remembered until it
 * expires, in a store that evicts nothing: without a bound one client could fill it.
 */
export function createAssertAssertion(now: () => Date): AssertAssertion {
  return function assertAssertion(_ctx, { exp }) {
    if (Number(exp) - now().getTime() / 1000 <= MAX_LIFE_SECONDS) return;
    throw new errors.InvalidClientAuth('expiration of the client_assertion JWT must be within an hour');
  };
}

/**
 * An assertion is good once, whatever process it reaches: one SET NX in place of the library's look-then-write. By
 * digest: a `jti` is as long as its client likes.
 */
export function installReplayDetection(provider: Provider, replays: SharedStorage['replays']): void {
  provider.ReplayDetection.unique = (issuer, jti, exp) => {
    const seconds = exp - Date.now() / 1000;
    return replays.claim(`assertion:${hash('sha256', JSON.stringify([issuer, jti]), 'base64url')}`, seconds);
  };
}
