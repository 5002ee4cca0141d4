import { type Role, roleAllows } from '@latchkey/protocol';
import type Provider from 'oidc-provider';
import type { OfSignIn } from '../accounts/sign-in-generation.ts';
import type { RequestedAuthority } from './requested.ts';

/** The library's grant with the organisation it was made for; null for an account without one. */
export type GrantWithOrganization = InstanceType<Provider['Grant']> &
  OfSignIn & { organizationId?: string | null };

/** A seat, or none: without one there is no role, and nothing that a resource server offers. */
export type Seat = { organizationId: string; role: Role } | undefined;

/** Whether a grant made in this seat may hold the resource scope. */
export function seatAllows(seat: Seat, scope: string): boolean {
  return seat !== undefined && roleAllows(seat.role, scope);
}

/** A new grant that holds what was asked for, as far as the seat allows, and has the rest on record as rejected. */
export function createGrant(
  provider: Provider,
  owner: OfSignIn & { accountId: string; clientId: string },
  requested: RequestedAuthority,
  seat: Seat,
): GrantWithOrganization {
  const grant: GrantWithOrganization = new provider.Grant(owner);
  grant.organizationId = seat?.organizationId ?? null;
  if (requested.oidcScopes.length > 0) grant.addOIDCScope(requested.oidcScopes);
  for (const [resource, scopes] of Object.entries(requested.resources)) {
    const allowed = scopes.filter((scope) => seatAllows(seat, scope));
    const withheld = scopes.filter((scope) => !seatAllows(seat, scope));
    if (allowed.length > 0) grant.addResourceScope(resource, allowed);
    if (withheld.length > 0) grant.rejectResourceScope(resource, withheld);
  }
  return grant;
}
