import type { Plan, Role } from '@latchkey/protocol';

export const LEAKED_KEY_POLICIES = ['revoke', 'notify'] as const;
/** `notify` marks the key and writes it to the audit log, for organisations that rotate before they revoke. */
export type LeakedKeyPolicy = (typeof LEAKED_KEY_POLICIES)[number];

/** Fields with defaults: no limit of its own, used from anywhere, leaked keys revoked. */
export type OrganizationSettings = Pick<Organization, 'rateLimit' | 'ipAllowlist' | 'leakedKeyPolicy'>;

/** A customer: who owns applications, keys and data, and whose plan sets the limits. */
export interface Organization {
  id: string;
  name: string;
  plan: Plan;
  /** Requests per minute over all its credentials; null: what the plan gives. */
  rateLimit: number | null;
  /** Addresses and CIDR ranges from which its credentials may be used at resource servers; empty: anywhere. */
  ipAllowlist: string[];
  /** What happens to a key of its that somebody reports as published. */
  leakedKeyPolicy: LeakedKeyPolicy;
  createdAt: Date;
  updatedAt: Date;
  /** Set while the organisation is disabled: nobody acts for it. */
  disabledAt: Date | null;
}

/** An account's seat in an organisation. */
export interface Member {
  organizationId: string;
  accountId: string;
  role: Role;
  createdAt: Date;
}

/** A member together with the organisation it is a seat in. */
export interface Membership extends Member {
  organization: Organization;
}

export interface Organizations {
  /** Inserts. Throws `ConflictError` when the id is taken. */
  create(
    organization: Pick<Organization, 'id' | 'name' | 'plan'> & Partial<OrganizationSettings>,
  ): Promise<Organization>;
  find(id: string): Promise<Organization | undefined>;
  /** Those of the ids that exist, in any order, in one round trip. */
  findMany(ids: readonly string[]): Promise<Organization[]>;
  /** Every organisation, oldest first. */
  list(): Promise<Organization[]>;
  /**
   * Those changed at or after this instant. With a margin before the last look it tells a process what a lost
   * announcement did not. Deleted ones are missing: disable, announce, then delete. While a previous release runs
   * that does not know `updatedAt`, those that it disabled since then are told too, its other changes are not.
   */
  listChangedSince(since: Date): Promise<Organization[]>;
  /** Changes the named fields and `updatedAt`. Answers undefined when there is no such organisation. */
  update(
    id: string,
    changes: Partial<Pick<Organization, 'name' | 'plan' | 'disabledAt'> & OrganizationSettings>,
  ): Promise<Organization | undefined>;
  /**
   * Deletes what an organisation may have without bound: usage, manufacturing data, consents and grants with their
   * refresh tokens. Works in small statements, of which each stands: to be called before `delete`, outside a
   * transaction, once nobody acts for the organisation any more.
   */
  deleteData(id: string): Promise<void>;
  /**
   * Deletes the organisation with its members, clients and data, all in one statement. Answers false when there was
   * none.
   */
  delete(id: string): Promise<boolean>;

  /** Gives the account this role, whether or not it had another. */
  putMember(member: Pick<Member, 'organizationId' | 'accountId' | 'role'>): Promise<Member>;
  removeMember(organizationId: string, accountId: string): Promise<boolean>;
  listMembers(organizationId: string): Promise<Member[]>;
  /** The account's seats, oldest first. Seats in disabled organisations are left out. */
  listMemberships(accountId: string): Promise<Membership[]>;
  /** The seat, or undefined when there is none or the organisation is disabled. */
  findMembership(organizationId: string, accountId: string): Promise<Membership | undefined>;
}
