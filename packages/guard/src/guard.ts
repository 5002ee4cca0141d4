import { type ProtectedResourceMetadata, protectedResourceMetadataUrl } from '@latchkey/protocol';
import { carriesToken, parseBearer } from './credentials.ts';
import { GuardError, type RefusalReason } from './errors.ts';
import { createJwks, type Fetch, type Jwks } from './jwks.ts';
import type { Algorithm } from './keys.ts';
import { type Principal, toPrincipal } from './principal.ts';
import type { RevocationList } from './revocations.ts';
import { createTokenCache, type VerifiedToken } from './token-cache.ts';
import { type ValidationRules, validateToken } from './validate.ts';

export interface GuardOptions {
  /** Identifier of the authorization server, exactly as its tokens say it. */
  issuer: string;
  /** This resource server's identifier (RFC 8707): what `aud` must contain. */
  audience: string;
  /** Default: `/.well-known/jwks.json` under the issuer. */
  jwksUri?: string;
  /** Default: ES256, EdDSA and RS256. */
  algorithms?: readonly Algorithm[];
  /** How far the issuer's clock may be ahead of ours. Default 5. */
  clockToleranceSeconds?: number;
  /** Without it a token lives until it expires. */
  revocations?: RevocationList;
  /** Bounds of the cache of verified tokens. Default 20,000 entries and 64 MiB. */
  cache?: { maxEntries: number; maxBytes: number };
  /** What the metadata document says besides identifiers (RFC 9728 §2). */
  metadata?: { scopesSupported?: readonly string[]; name?: string; documentationUrl?: string };
  /** Told when the issuer's keys cannot be fetched. Default: nothing. */
  onKeysFailure?: (error: unknown) => void;
  /** Default: the platform's. */
  fetch?: Fetch;
  /** Epoch milliseconds. Default: `Date.now`. */
  now?: () => number;
}

export interface Guard {
  /**
   * Who the request acts for. A token seen before is answered without a promise. `query` is the raw one,
   * looked at only to refuse tokens in it.
   * @throws {GuardError}, or rejects with it; nothing else
   */
  authenticate(
    authorization: string | readonly string[] | undefined,
    query?: string,
  ): Principal | Promise<Principal>;
  /** @throws {GuardError} `scope_insufficient` unless the principal holds every one */
  requireScopes(principal: Principal, scopes: readonly string[]): void;
  /** An error with this guard's challenge, for adapters. */
  refuse(reason: RefusalReason): GuardError;
  /** RFC 9728 §3.2, served at `metadataPath`. */
  readonly metadata: ProtectedResourceMetadata;
  readonly metadataPath: string;
  /** Fetches the issuer's keys now, for instance because it announced new ones. False when that failed. */
  refreshKeys(): Promise<boolean>;
}

export function createGuard(options: GuardOptions): Guard {
  const { audience, revocations, now = Date.now } = options;
  const rules = rulesOf(options);
  const jwks = jwksOf(options, rules.algorithms, now);
  const cache = createTokenCache(options.cache ?? { maxEntries: 20_000, maxBytes: 67_108_864 });
  const resourceMetadataUrl = protectedResourceMetadataUrl(audience);
  const refuse = (reason: RefusalReason, cause?: unknown) =>
    new GuardError(reason, { resourceMetadataUrl, cause });

  /** What can have changed since the token was verified. */
  function recheck(token: VerifiedToken): Principal {
    const at = now();
    if (at >= token.expiresAt) throw refuse('token_expired');
    if (revocations?.isRevoked(token.claims)) throw refuse('token_revoked');
    jwks.keepFresh(at);
    return token.principal;
  }

  async function verify(token: string): Promise<Principal> {
    const result = await validateToken(token, rules, jwks, now);
    if ('refused' in result) throw refuse(result.refused, result.cause);
    const { claims, key } = result;
    const verified = { principal: toPrincipal(claims), claims, key, expiresAt: claims.exp * 1000 };
    cache.set(`Bearer ${token}`, verified);
    return recheck(verified);
  }

  return {
    authenticate(authorization, query = '') {
      if (query !== '' && carriesToken(query)) throw refuse('token_in_url');
      const known = typeof authorization === 'string' ? cache.get(authorization) : undefined;
      if (known?.key.published) return recheck(known);
      const credentials = parseBearer(authorization);
      if ('refused' in credentials) throw refuse(credentials.refused);
      // Other spellings of the scheme share one entry, so that they cannot crowd the cache.
      const same = cache.get(`Bearer ${credentials.token}`);
      return same?.key.published ? recheck(same) : verify(credentials.token);
    },
    requireScopes(principal, scopes) {
      for (const scope of scopes) {
        if (principal.scopes.has(scope)) continue;
        throw new GuardError('scope_insufficient', { resourceMetadataUrl, scope: scopes.join(' ') });
      }
    },
    refuse,
    metadata: describeResource(options),
    metadataPath: new URL(resourceMetadataUrl).pathname,
    refreshKeys: jwks.refresh,
  };
}

function rulesOf(options: GuardOptions): ValidationRules {
  const { issuer, audience, algorithms = ['ES256', 'EdDSA', 'RS256'], clockToleranceSeconds = 5 } = options;
  return { issuer, audience, algorithms, clockToleranceSeconds };
}

function jwksOf(options: GuardOptions, algorithms: readonly Algorithm[], now: () => number): Jwks {
  const uri = options.jwksUri ?? `${options.issuer.replace(/\/$/, '')}/.well-known/jwks.json`;
  const onFailure = options.onKeysFailure ?? (() => {});
  return createJwks({ uri, algorithms, fetch: options.fetch ?? fetch, now, onFailure });
}

function describeResource(options: GuardOptions): ProtectedResourceMetadata {
  const { scopesSupported = [], name, documentationUrl } = options.metadata ?? {};
  return Object.freeze({
    resource: options.audience,
    authorization_servers: [options.issuer],
    scopes_supported: [...scopesSupported],
    bearer_methods_supported: ['header'] as const,
    ...(name ? { resource_name: name } : {}),
    ...(documentationUrl ? { resource_documentation: documentationUrl } : {}),
  });
}
