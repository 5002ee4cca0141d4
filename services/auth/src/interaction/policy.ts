import type { DurableStorage } from '@latchkey/storage';
import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { type GrantWithOrganization, type Seat, seatAllows } from './grant.ts';
import { requestedAuthority } from './requested.ts';

/**
 * When a person is asked. The library's rules, and two of ours that it evaluates in the very request that
 * would issue the code, so that a session outlives neither its account, nor the end of its sign-ins, nor the seat it
 * was used for.
 */
export function createInteractionPolicy(
  organizations: DurableStorage['organizations'],
): interactionPolicy.DefaultPolicy {
  const { Check, base } = interactionPolicy;
  const policy = base();
  policy
    .get('login')
    ?.checks.add(
      new Check(
        'account_unusable',
        'the account of this session is disabled or gone, or its sign-ins were ended',
        'login_required',
        ({ oidc }) => oidc.session?.accountId !== undefined && oidc.account === undefined,
      ),
    );
  const consent = policy.get('consent');
  if (!consent) throw new Error('oidc-provider has no consent prompt');
  consent.details = (ctx) => ({ requested: requestedAuthority(ctx) });
  consent.checks.add(
    new Check(
      'seat_changed',
      'what was agreed to no longer matches the account’s role',
      'consent_required',
      (ctx) => seatChanged(ctx, organizations),
    ),
  );
  return policy;
}

/**
 * The seat the grant was made in is gone, or its role now denies something granted, or allows something that
 * was withheld.
 */
async function seatChanged(
  ctx: KoaContextWithOIDC,
  organizations: DurableStorage['organizations'],
): Promise<boolean> {
  const accountId = ctx.oidc.account?.accountId;
  const grant = ctx.oidc.grant as GrantWithOrganization | undefined;
  // A grant that was never stored holds nothing: the library's own rules ask.
  if (accountId === undefined || !grant?.jti) return false;
  const organizationId = grant.organizationId ?? null;
  if (organizationId === null) return (await organizations.listMemberships(accountId)).length > 0;
  const seat = await organizations.findMembership(organizationId, accountId);
  return seat === undefined || !matchesSeat(grant, seat, requestedAuthority(ctx).resources);
}

function matchesSeat(grant: GrantWithOrganization, seat: Seat, requested: Record<string, string[]>): boolean {
  return Object.entries(requested).every(([resource, scopes]) => {
    const granted = grant.getResourceScope(resource).split(' ');
    return scopes.every((scope) => granted.includes(scope) === seatAllows(seat, scope));
  });
}
