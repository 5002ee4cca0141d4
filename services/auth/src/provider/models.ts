import { newId } from '@latchkey/protocol';
import type { SharedStorage } from '@latchkey/storage';
import type Provider from 'oidc-provider';

/**
 * Grants carry the organisation they were made for and have ids of their own kind: a grant's id is no bearer
 * value, it stands in tokens.
 */
export function installGrants(provider: Provider): void {
  const { Grant } = provider;
  const fields = [...Grant.IN_PAYLOAD, 'organizationId'];
  Object.defineProperty(Grant, 'IN_PAYLOAD', { get: () => fields });
  Object.assign(Grant.prototype, { generateTokenId: () => newId('grant') });
}

/** An assertion is good once, whatever process it reaches: one SET NX in place of the library's look-then-write. */
export function installReplayDetection(provider: Provider, replays: SharedStorage['replays']): void {
  provider.ReplayDetection.unique = (issuer, jti, exp) => {
    const seconds = Math.max(1, exp - Math.floor(Date.now() / 1000));
    return replays.claim(`assertion:${JSON.stringify([issuer, jti])}`, seconds);
  };
}
