import { hash } from 'node:crypto';
import type { AccessTokenClaims } from '@latchkey/protocol';
import { createLocalJWKSet, errors as joseErrors, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { KeyRing, KeySet } from './keys.ts';

export interface AccessTokenVerifier {
  /** The claims of a JWT access token that is ours and has not expired; undefined for anything else. */
  verify(token: string): Promise<AccessTokenClaims | undefined>;
}

/** What we put into every token of ours: this is our own signature's content, so it is checked for shape only. */
const claimsSchema = z.looseObject({
  iss: z.string(),
  sub: z.string(),
  aud: z.union([z.string(), z.array(z.string())]),
  exp: z.number(),
  iat: z.number(),
  jti: z.string(),
  client_id: z.string(),
});

const MAX_ENTRIES = 10_000;

/** Checks a signature once per token and key set: the rest of a token's life only its expiry is looked at. */
export function createAccessTokenVerifier(options: {
  keyRing: KeyRing;
  issuer: string;
  now: () => Date;
}): AccessTokenVerifier {
  const { keyRing, issuer, now } = options;
  let keys: KeySet | undefined;
  let select = createLocalJWKSet({ keys: [] });
  const verified = new LRUCache<string, AccessTokenClaims>({ max: MAX_ENTRIES });

  const follow = () => {
    if (keys === keyRing.current()) return;
    keys = keyRing.current();
    select = createLocalJWKSet({ keys: keys.keys.map(({ publicJwk }) => publicJwk) });
    verified.clear();
  };
  const check = async (token: string): Promise<AccessTokenClaims | undefined> => {
    try {
      const { payload } = await jwtVerify(token, select, {
        issuer,
        typ: 'at+jwt',
        algorithms: ['ES256', 'RS256', 'EdDSA'],
        currentDate: now(),
      });
      return claimsSchema.parse(payload) as AccessTokenClaims;
    } catch (error) {
      if (error instanceof joseErrors.JOSEError || error instanceof z.ZodError) return undefined;
      throw error;
    }
  };

  return {
    async verify(token) {
      follow();
      // Kept by digest: a heap dump must not hold ten thousand live tokens.
      const digest = hash('sha256', token, 'base64');
      const known = verified.get(digest);
      const claims = known ?? (await check(token));
      if (!claims || claims.exp * 1000 <= now().getTime()) {
        if (known) verified.delete(digest);
        return undefined;
      }
      if (!known) verified.set(digest, claims);
      return claims;
    },
  };
}

/** Whether the value has the parts of a JWS or JWE (RFC 7515 §3.1), which no opaque value of ours has. */
export function isStructured(token: string): boolean {
  return token.includes('.');
}

/** Whether the token is meant for this audience. */
export function hasAudience({ aud }: Pick<AccessTokenClaims, 'aud'>, audience: string): boolean {
  return Array.isArray(aud) ? aud.includes(audience) : aud === audience;
}
