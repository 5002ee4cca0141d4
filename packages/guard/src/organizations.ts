import { type AddressList, PLAN_REQUESTS_PER_MINUTE, type Plan } from '@latchkey/protocol';
import type { Holder, OrganizationTerms } from './holder.ts';
import type { Refuse } from './refuse.ts';

/** What an organisation's settings say to every credential of its. Immutable. */
export interface OrganizationPolicy {
  readonly disabled: boolean;
  /** Over all its credentials. */
  readonly requestsPerMinute: number;
  /** Where its credentials may be used from; undefined: anywhere. */
  readonly allowlist: AddressList | undefined;
}

/** Asked on each request, so it answers from memory where it can. Without it the plan in the token sets the limit. */
export interface OrganizationLookup {
  /** Undefined: there is no such organisation (any more). Rejects when that cannot be known now. */
  find(id: string): OrganizationPolicy | undefined | Promise<OrganizationPolicy | undefined>;
}

/** What a plan says, where organisations cannot be looked up; a plan that is not known says nothing. */
export function planTerms(plan: string | undefined): OrganizationTerms | undefined {
  return plan === undefined ? undefined : PLAN_TERMS.get(plan);
}

const PLAN_TERMS: ReadonlyMap<string, OrganizationTerms> = new Map(
  (Object.keys(PLAN_REQUESTS_PER_MINUTE) as Plan[]).map((plan) => [
    plan,
    Object.freeze({ allowlist: undefined, requestsPerMinute: PLAN_REQUESTS_PER_MINUTE[plan] }),
  ]),
);

/** The terms of a credential's organisation, by the look-up where there is one. */
export function createTermsFinder(
  organizations: OrganizationLookup | undefined,
  refuse: Refuse,
): (holder: Holder) => OrganizationTerms | undefined | Promise<OrganizationTerms> {
  function requireEnabled(policy: OrganizationPolicy | undefined, { principal }: Holder): OrganizationPolicy {
    if (policy === undefined) throw refuse('organization_unknown', { principal });
    if (policy.disabled) throw refuse('organization_disabled', { principal });
    return policy;
  }
  return (holder) => {
    const { organizationId } = holder.principal;
    if (organizations === undefined || organizationId === undefined) return holder.organization;
    const found = organizations.find(organizationId);
    if (found instanceof Promise) return found.then((policy) => requireEnabled(policy, holder));
    return requireEnabled(found, holder);
  };
}
