/** The OpenID Connect scopes we answer (OpenID Connect Core §5.4) and `offline_access` (§11). */
export const OIDC_SCOPES = {
  openid: 'Confirm who you are',
  profile: 'See your name',
  email: 'See your e-mail address',
  offline_access: 'Stay connected while you are away',
} as const;

/** The published scopes of the API. A credential that names none gets these. */
export const DATA_SCOPES = {
  'work-orders:read': 'List and read work orders',
  'work-orders:write': 'Create and update work orders',
  'operations:read': 'List and read operations',
  'operations:write': 'Create and update operations',
  'quality:read': 'List and read quality data',
  'quality:write': 'Create and update quality data',
  'inventory:read': 'List and read inventory',
  'inventory:write': 'Create and update inventory',
  'webhooks:read': 'List webhook endpoints',
  'webhooks:write': 'Create and update webhooks',
} as const;

/** Scopes over the organisation itself. Never in a default set: they are asked for by name. */
export const MANAGEMENT_SCOPES = {
  'api-keys:read': 'List API keys',
  'api-keys:write': 'Create, change and revoke API keys',
  'applications:read': 'List applications',
  'applications:write': 'Create, change and delete applications',
  'usage:read': 'See how much the API is used',
  'audit:read': 'Read the audit log',
  'organization:read': 'See the organisation and its members',
  'organization:write': 'Change the organisation and its members',
} as const;

// RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

export function isScopeToken(value: string): boolean {
  return SCOPE_TOKEN.test(value);
}

/** Splits a scope string on spaces, dropping repeats and empty parts. Characters are not checked. */
export function parseScope(scope: string | undefined): Set<string> {
  return new Set(scope?.split(' ').filter(Boolean));
}

export function formatScope(scopes: Iterable<string>): string {
  return [...scopes].join(' ');
}
