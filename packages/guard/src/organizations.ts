import type { AddressList } from '@latchkey/protocol';

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
