import { DATA_SCOPES, MANAGEMENT_SCOPES, OIDC_SCOPES, type Role, roleAllows } from '@latchkey/protocol';
import type { ResourceServer } from '@latchkey/storage';

/** What an API key gets that names no scopes: the published data scopes, never one over the organisation. */
export const DEFAULT_API_KEY_SCOPES: readonly string[] = Object.keys(DATA_SCOPES);

/** What authority somebody has to hand on. */
export interface ScopeHolder {
  /** Of the credential. */
  scopes: ReadonlySet<string>;
  /** Of the person behind it, where there is one: it bounds what the credential says. */
  role?: Role | undefined;
}

/**
 * Every scope that an API key may have. Those of OpenID Connect are about a person, whom a key does not have, even
 * where a resource server claims one of them for itself.
 */
export function grantableScopes(
  resourceServers: readonly Pick<ResourceServer, 'acceptsApiKeys' | 'scopes'>[],
): ReadonlySet<string> {
  const theirs = resourceServers.filter(({ acceptsApiKeys }) => acceptsApiKeys);
  const all = [DATA_SCOPES, MANAGEMENT_SCOPES, ...theirs.map(({ scopes }) => scopes)].flatMap(Object.keys);
  return new Set(all.filter((scope) => !Object.hasOwn(OIDC_SCOPES, scope)));
}

/** Every scope that an application may ask for. */
export function requestableScopes(
  resourceServers: readonly Pick<ResourceServer, 'scopes'>[],
): ReadonlySet<string> {
  const theirs = resourceServers.map(({ scopes }) => scopes);
  return new Set([OIDC_SCOPES, DATA_SCOPES, MANAGEMENT_SCOPES, ...theirs].flatMap(Object.keys));
}

/**
 * Those of the wanted scopes that the holder cannot hand on, because its credential or its role lacks them. Whoever
 * makes, widens or rotates a key is handed its authority, and must have none missing.
 */
export function missingScopes(wanted: Iterable<string>, { scopes, role }: ScopeHolder): string[] {
  return [...new Set(wanted)].filter(
    (scope) => !scopes.has(scope) || (role !== undefined && !roleAllows(role, scope)),
  );
}
