import type { AddressList } from '@latchkey/protocol';
import type { Limit } from './limits/limiter.ts';
import type { OrganizationPolicy } from './organizations.ts';
import type { Principal } from './principal.ts';

/** What is known of an organisation; without a look-up, from what the credential itself says. */
export type OrganizationTerms = Pick<OrganizationPolicy, 'allowlist'> & {
  readonly requestsPerMinute: number | undefined;
};

/** A verified credential, as admission sees it: who it is and under which terms it may be used. */
export interface Holder {
  readonly principal: Principal;
  /** Of the credential alone. */
  readonly allowlist: AddressList | undefined;
  /** Of the credential alone. */
  readonly requestsPerMinute: number | undefined;
  /** Holds where organisations cannot be looked up. */
  readonly organization: OrganizationTerms | undefined;
  /** Worked out at the first request, and again when the organisation's terms are another object. */
  standing: Standing | undefined;
}

export interface Standing {
  readonly terms: OrganizationTerms | undefined;
  readonly limits: readonly Limit[];
  /** The last address that the allowlists of organisation and credential let pass. */
  allowedAddress: string | undefined;
}

export function createHolder(principal: Principal, terms: Partial<Omit<Holder, 'principal'>> = {}): Holder {
  const { allowlist, requestsPerMinute, organization } = terms;
  return { principal, allowlist, requestsPerMinute, organization, standing: undefined };
}
