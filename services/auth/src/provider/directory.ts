import { isDeepStrictEqual } from 'node:util';
import type { Client, DurableStorage, FeedEvent, Organization, ResourceServer } from '@latchkey/storage';
import { LRUCache } from 'lru-cache';
import { createFreshCache, type FreshCache } from './fresh-cache.ts';
import { createRecentRevocations, type RecentRevocations } from './recent-revocations.ts';

/** Registered clients, resource servers and organisations, seconds old at most. */
export interface Directory {
  /** The client, unless it or its organisation is disabled. The same object for as long as nothing about it changes. */
  findClient(id: string): Promise<Client | undefined>;
  /** The organisation, unless it is disabled. */
  findOrganization(id: string): Promise<Organization | undefined>;
  listResourceServers(): Promise<ResourceServer[]>;
  /** As last read, however old, without asking the store: for the discovery document. */
  knownResourceServers(): ResourceServer[];
  /** See `RecentRevocations`. */
  waitOutRevocations: RecentRevocations['waitOut'];
  /** Drops what the event says is stale. */
  onEvent(event: FeedEvent): void;
  dropAll(): void;
}

export function createDirectory(
  durable: Pick<DurableStorage, 'clients' | 'organizations' | 'resourceServers'>,
  now: () => Date,
): Directory {
  let known: ResourceServer[] = [];
  const clients = createClientCache(durable, now);
  const revocations = createRecentRevocations(now);
  const organizations = createOrganizationCache(durable, now);
  const resourceServers = createFreshCache({
    now,
    maxEntries: 1,
    async load() {
      known = await durable.resourceServers.list();
      return known.length > 0 ? known : undefined;
    },
  });
  return {
    async findClient(id) {
      const client = await clients.find(id);
      const owner = client?.organizationId ?? null;
      return owner === null || (await organizations.find(owner)) ? client : undefined;
    },
    findOrganization: (id) => organizations.find(id),
    listResourceServers: async () => (await resourceServers.find('all')) ?? [],
    knownResourceServers: () => known,
    waitOutRevocations: revocations.waitOut,
    onEvent(event) {
      revocations.onEvent(event);
      if (event.type === 'client') clients.drop(event.id);
      if (event.type === 'resource_server') resourceServers.drop();
      if (event.type === 'organization') organizations.drop(event.id);
      if (event.type === 'revocation' && event.revocation.subject === 'client') {
        clients.drop(event.revocation.id);
      }
      if (event.type === 'revocation' && event.revocation.subject === 'organization') {
        organizations.drop(event.revocation.id);
      }
    },
    dropAll() {
      clients.drop();
      organizations.drop();
      resourceServers.drop();
    },
  };
}

function createOrganizationCache(
  durable: Pick<DurableStorage, 'organizations'>,
  now: () => Date,
): FreshCache<Organization> {
  return createFreshCache({
    now,
    async load(id) {
      const organization = await durable.organizations.find(id);
      return organization?.disabledAt ? undefined : organization;
    },
  });
}

/** Keeps the object of a client that was read again unchanged: what is made from it stays good. */
function createClientCache(durable: Pick<DurableStorage, 'clients'>, now: () => Date): FreshCache<Client> {
  const lastKnown = new LRUCache<string, Client>({ max: 10_000 });
  return createFreshCache({
    now,
    async load(id) {
      const client = await durable.clients.find(id);
      if (!client || client.disabledAt) return undefined;
      const previous = lastKnown.get(id);
      if (previous && isDeepStrictEqual(previous, client)) return previous;
      lastKnown.set(id, client);
      return client;
    },
  });
}
