import type { OrganizationLookup, OrganizationPolicy } from '@latchkey/guard';
import { createAddressList, PLAN_REQUESTS_PER_MINUTE } from '@latchkey/protocol';
import type { DurableStorage, Organization } from '@latchkey/storage';
import { Directory } from './directory/directory.ts';
import { createIntern } from './directory/intern.ts';
import { createRepeatable } from './directory/repeatable.ts';

export interface OrganizationDirectoryDeps {
  durable: Pick<DurableStorage, 'organizations'>;
  onFailure(error: unknown): void;
  now: () => number;
}

export interface OrganizationDirectory extends OrganizationLookup {
  /** Reads all. Rejects when they cannot be read. */
  start(): Promise<void>;
  /** The organisation was changed, made or deleted. */
  outdate(id: string): void;
  /** Events may have been missed. */
  suspectAll(): void;
  /** Takes in the changes since the last look. */
  reread(): Promise<void>;
}

/** What organisations set for all their credentials, in memory. */
export function createOrganizationDirectory(deps: OrganizationDirectoryDeps): OrganizationDirectory {
  const { onFailure, now } = deps;
  const { organizations } = deps.durable;
  const directory = new Directory<Organization, OrganizationPolicy>({
    load: organizations.findMany,
    async listChangedSince(since) {
      return (await organizations.listChangedSince(since)).map(({ id }) => id);
    },
    toValue: createReader(),
    capacity: Number.POSITIVE_INFINITY,
    // Tokens end within the hour and keys are not believed for longer than their own directory allows.
    maxAgeMs: Number.POSITIVE_INFINITY,
    onFailure,
    now,
  });
  const readAll = async () => directory.seed((await organizations.list()).map(({ id }) => id));
  const rereadAll = createRepeatable(readAll, onFailure);
  return {
    find: (id) => directory.find(id),
    start: readAll,
    outdate: (id) => directory.outdate(id),
    suspectAll() {
      directory.suspectAll();
      void rereadAll();
    },
    reread: directory.reread,
  };
}

function createReader(): (organization: Organization) => OrganizationPolicy {
  const allowlistOf = createIntern(createAddressList);
  return ({ plan, rateLimit, ipAllowlist, disabledAt }) =>
    Object.freeze({
      disabled: disabledAt !== null,
      requestsPerMinute: rateLimit ?? PLAN_REQUESTS_PER_MINUTE[plan],
      allowlist: ipAllowlist.length === 0 ? undefined : allowlistOf(ipAllowlist),
    });
}
