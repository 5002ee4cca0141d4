import type { AccessTokenClaims } from '@latchkey/protocol';
import { type CacheBounds, createCache } from './cache.ts';
import { createHolder, type Holder } from './holder.ts';
import type { Jwks } from './jwks.ts';
import type { VerificationKey } from './keys.ts';
import { planTerms } from './organizations.ts';
import { toPrincipal } from './principal.ts';
import type { Refuse } from './refuse.ts';
import type { RevocationList } from './revocations.ts';
import { type ValidationRules, validateToken } from './validate.ts';

/** A token whose signature and claims were verified once. What can change since is checked on each use. */
export interface VerifiedToken {
  readonly holder: Holder;
  readonly claims: AccessTokenClaims;
  readonly key: VerificationKey;
  /** `exp` in epoch milliseconds. */
  readonly expiresAt: number;
}

export interface TokenVerifier {
  /** A token that was verified with a key that is still published. */
  recall(authorization: string): VerifiedToken | undefined;
  /** @throws {GuardError} when it has expired since, or was revoked */
  recheck(token: VerifiedToken): Holder;
  /** Rejects with GuardError. */
  verifyToken(token: string): Promise<Holder>;
}

/** Claims, principal, standing and map slots, by heap measurement, rounded up. */
const ENTRY_BYTES = 2_000;
const DEFAULT_BOUNDS: CacheBounds = { maxEntries: 20_000, maxBytes: 67_108_864 };

/** Verifies JWTs here, with the issuer's published keys. */
export function createTokenVerifier(deps: {
  rules: ValidationRules;
  jwks: Jwks;
  revocations: RevocationList | undefined;
  bounds: CacheBounds | undefined;
  refuse: Refuse;
  now: () => number;
}): TokenVerifier {
  const { rules, jwks, revocations, refuse, now } = deps;
  // Keyed by the credentials themselves: they are in the heap anyway, and hashing them costs more than the look-up.
  const cache = createCache<VerifiedToken>(deps.bounds ?? DEFAULT_BOUNDS, ENTRY_BYTES);

  function recheck(token: VerifiedToken): Holder {
    const at = now();
    if (at >= token.expiresAt) throw refuse('token_expired');
    if (revocations?.isRevoked(token.claims)) throw refuse('token_revoked');
    jwks.keepFresh(at);
    return token.holder;
  }

  return {
    recall(authorization) {
      const known = cache.get(authorization);
      return known?.key.published ? known : undefined;
    },
    recheck,
    async verifyToken(token) {
      const result = await validateToken(token, rules, jwks, now);
      if ('refused' in result) throw refuse(result.refused, { cause: result.cause });
      const { claims, key } = result;
      const holder = createHolder(toPrincipal(claims), { organization: planTerms(claims.plan) });
      const verified = { holder, claims, key, expiresAt: claims.exp * 1000 };
      // Other spellings of the scheme share one entry, so that they cannot crowd the cache.
      cache.set(`Bearer ${token}`, verified);
      return recheck(verified);
    },
  };
}
