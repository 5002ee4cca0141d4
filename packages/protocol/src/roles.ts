import { DATA_SCOPES, MANAGEMENT_SCOPES, OIDC_SCOPES } from './scopes.ts';

/** A member's role in an organisation, strongest first. */
export const ROLES = ['owner', 'admin', 'developer', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

const oidc = Object.keys(OIDC_SCOPES);
const data = Object.keys(DATA_SCOPES);
const management = Object.keys(MANAGEMENT_SCOPES);
const reads = (scopes: string[]) => scopes.filter((scope) => scope.endsWith(':read'));

const DENIED: Record<Role, ReadonlySet<string>> = {
  owner: new Set(),
  admin: new Set(),
  developer: new Set(['organization:write', 'audit:read']),
  viewer: new Set(
    [...data, ...management].filter(
      (scope) => ![...reads(data), 'usage:read', 'organization:read'].includes(scope),
    ),
  ),
};

/**
 * Whether a grant made by a member with this role may hold the scope. A scope that Latchkey does not define
 * (another resource server's) is that server's to judge: viewers get those that end in `:read`, others all.
 */
export function roleAllows(role: Role, scope: string): boolean {
  if (oidc.includes(scope)) return true;
  if (role === 'viewer' && !data.includes(scope) && !management.includes(scope))
    return scope.endsWith(':read');
  return !DENIED[role].has(scope);
}
