import type { ParsedApiKey } from '@latchkey/protocol';
import { type ApiKeyVerifier, createApiKeyVerifier } from './api-key-verifier.ts';
import type { ApiKeyLookup } from './api-keys.ts';
import type { CacheBounds } from './cache.ts';
import { parseCredentials } from './credentials.ts';
import type { Holder } from './holder.ts';
import { createIntrospectedVerifier, type IntrospectedVerifier } from './introspected.ts';
import type { Introspection } from './introspection.ts';
import type { Jwks } from './jwks.ts';
import type { CredentialKind } from './principal.ts';
import type { Refuse } from './refuse.ts';
import type { GuardedRequest } from './request.ts';
import type { RevocationList } from './revocations.ts';
import type { Route } from './route.ts';
import { isStructured } from './token.ts';
import { createTokenVerifier, type TokenVerifier } from './tokens.ts';
import type { ValidationRules } from './validate.ts';

/** The ways to verify a credential that the guard is made for. */
export interface Verifiers {
  jwts: TokenVerifier;
  /** For what has the form of a JWT, and for what has not. */
  structured: Pick<IntrospectedVerifier, 'verifyToken'>;
  opaque: Pick<IntrospectedVerifier, 'verifyToken'>;
  /** Absent where keys cannot be looked up. */
  lookup: ApiKeyVerifier | undefined;
  /** Absent where no keys are taken. */
  apiKeys: Pick<IntrospectedVerifier, 'verifyApiKey'> | undefined;
  introspected: IntrospectedVerifier | undefined;
}

export function createVerifiers(deps: {
  tokens: 'local' | 'introspection';
  apiKeys: ApiKeyLookup | undefined;
  introspection: Introspection | undefined;
  revocations: RevocationList | undefined;
  rules: ValidationRules;
  jwks: Jwks;
  cache: { tokens?: CacheBounds; apiKeys?: CacheBounds };
  refuse: Refuse;
  now: () => number;
}): Verifiers {
  const { apiKeys, introspection, cache } = deps;
  if (deps.tokens === 'introspection' && !introspection) {
    throw new TypeError("tokens: 'introspection' needs an introspection client");
  }
  const jwts = createTokenVerifier({ ...deps, bounds: cache.tokens });
  const lookup = apiKeys && createApiKeyVerifier({ ...deps, apiKeys, bounds: cache.apiKeys });
  const introspected = introspection && createIntrospectedVerifier({ ...deps, introspection });
  return {
    jwts,
    structured: introspected && deps.tokens === 'introspection' ? introspected : jwts,
    opaque: introspected ?? jwts,
    lookup,
    apiKeys: lookup ?? introspected,
    introspected,
  };
}

/** @throws {GuardError}, or rejects; what else a port throws is the caller's to turn into one */
export type Identify = (request: GuardedRequest, route: Route) => Holder | Promise<Holder>;

/** Reads the credential, holds its kind to the route's, and verifies it. */
export function createIdentify(verifiers: Verifiers, refuse: Refuse): Identify {
  const { jwts, structured, opaque, lookup, apiKeys } = verifiers;
  const reading = { opaque: verifiers.introspected !== undefined };

  function requireKind(kind: CredentialKind, route: Route): void {
    if (kind === 'api_key' && (!apiKeys || lookup?.accepted() === false))
      throw refuse('api_keys_not_accepted');
    if (!route.accepts(kind)) throw refuse('credentials_kind_refused');
  }

  /** Credentials that were verified before: one look-up by the header's value, and nothing parsed. */
  function recall(authorization: string, route: Route): Holder | Promise<Holder> | undefined {
    const key = authorization.startsWith('sk_', 7) ? lookup?.recall(authorization) : undefined;
    if (lookup && key) {
      requireKind('api_key', route);
      return lookup.recheck(key, authorization);
    }
    const token = jwts.recall(authorization);
    if (token === undefined) return undefined;
    requireKind('token', route);
    return jwts.recheck(token);
  }

  function verifyApiKey(text: string, key: ParsedApiKey | undefined): Holder | Promise<Holder> {
    if (!apiKeys || !key) throw refuse('api_key_malformed');
    return apiKeys.verifyApiKey(text, key);
  }

  return ({ authorization }, route) => {
    const known = typeof authorization === 'string' ? recall(authorization, route) : undefined;
    if (known !== undefined) return known;
    const credentials = parseCredentials(authorization, reading);
    if ('refused' in credentials) throw refuse(credentials.refused);
    const { kind, text } = credentials;
    requireKind(kind, route);
    // Other spellings of the scheme share one entry, so that they cannot crowd the cache.
    const same = recall(`Bearer ${text}`, route);
    if (same !== undefined) return same;
    if (credentials.kind === 'api_key') return verifyApiKey(text, credentials.key);
    return (isStructured(text) ? structured : opaque).verifyToken(text);
  };
}
