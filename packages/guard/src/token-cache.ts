import type { AccessTokenClaims } from '@latchkey/protocol';
import type { VerificationKey } from './keys.ts';
import type { Principal } from './principal.ts';

/** A token whose signature and claims were verified once. What can change since is checked on each use. */
export interface VerifiedToken {
  readonly principal: Principal;
  readonly claims: AccessTokenClaims;
  readonly key: VerificationKey;
  /** `exp` in epoch milliseconds. */
  readonly expiresAt: number;
}

export interface TokenCache {
  get(credentials: string): VerifiedToken | undefined;
  set(credentials: string, token: VerifiedToken): void;
  readonly size: number;
}

/** What an entry holds besides its key: claims, principal and map slots, by heap measurement, rounded up. */
const ENTRY_BYTES = 2_000;

/**
 * Least recently used goes first, in two generations: a full young one becomes the old one, whose entries are
 * moved up when they are used and forgotten otherwise. A hit in the young generation writes nothing.
 * Keyed by the credentials themselves: they are in the heap anyway, and hashing them costs more than the look-up.
 */
export function createTokenCache(limits: { maxEntries: number; maxBytes: number }): TokenCache {
  const maxEntries = Math.max(1, Math.floor(limits.maxEntries / 2));
  const maxBytes = limits.maxBytes / 2;
  let young = new Map<string, VerifiedToken>();
  let old = new Map<string, VerifiedToken>();
  let youngBytes = 0;

  function set(credentials: string, token: VerifiedToken): void {
    const bytes = credentials.length + ENTRY_BYTES;
    if (bytes > maxBytes) return;
    if (!young.has(credentials)) {
      if (young.size >= maxEntries || youngBytes + bytes > maxBytes) {
        old = young;
        young = new Map();
        youngBytes = 0;
      }
      youngBytes += bytes;
    }
    young.set(credentials, token);
  }

  return {
    get(credentials) {
      const hit = young.get(credentials);
      if (hit !== undefined) return hit;
      const aged = old.get(credentials);
      if (aged !== undefined) {
        old.delete(credentials);
        set(credentials, aged);
      }
      return aged;
    },
    set,
    get size() {
      return young.size + old.size;
    },
  };
}
