import type { Fault } from '@latchkey/protocol';
import type { DurableRecords } from '@latchkey/storage';
import type { Declaration, DeclaredUser } from './declaration.ts';

/** What a declaration says against what is stored: names of nothing, and ids that belong to something else. */
export async function findReferenceFaults(
  durable: DurableRecords,
  declaration: Declaration,
): Promise<Fault[]> {
  const faults = await Promise.all([
    ...declaration.users.map((user, index) => checkUser(durable, user, `users[${index}]`)),
    checkOrganizations(durable, declaration),
    checkResourceServers(durable, declaration),
  ]);
  return faults.flat();
}

async function checkUser(
  durable: DurableRecords,
  { id, email }: DeclaredUser,
  path: string,
): Promise<Fault[]> {
  if (id === undefined) return [];
  const holder = await durable.accounts.findByEmail(email);
  if (!holder || holder.id === id) return [];
  return [{ field: `${path}.email`, message: `belongs to ${holder.id}, not to ${id}` }];
}

async function checkOrganizations(
  durable: DurableRecords,
  { organizations, users, clients, api_keys: keys }: Declaration,
): Promise<Fault[]> {
  const uses = [
    ...users.flatMap(({ organizations: seats }, user) =>
      seats.map(({ organization }, seat) => ({
        id: organization,
        field: `users[${user}].organizations[${seat}].organization`,
      })),
    ),
    ...clients.flatMap(({ organization }, index) =>
      organization === null ? [] : [{ id: organization, field: `clients[${index}].organization` }],
    ),
    ...keys.map(({ organization: id }, index) => ({ id, field: `api_keys[${index}].organization` })),
  ];
  const known = new Set(organizations.map(({ id }) => id));
  for (const { id } of await durable.organizations.list()) known.add(id);
  return uses
    .filter(({ id }) => !known.has(id))
    .map(({ id, field }) => ({ field, message: `names ${id}, which is neither in the file nor stored` }));
}

async function checkResourceServers(
  durable: DurableRecords,
  { resource_servers: servers, clients }: Declaration,
): Promise<Fault[]> {
  const declared = new Map(clients.map(({ client_id, metadata }) => [client_id, metadata]));
  const faults: Fault[] = [];
  for (const [index, { id, identifier, introspection_client: client }] of servers.entries()) {
    const path = `resource_servers[${index}]`;
    const stored = await durable.resourceServers.findByIdentifier(identifier);
    if (id !== undefined && stored && stored.id !== id) {
      faults.push({ field: `${path}.identifier`, message: `belongs to ${stored.id}, not to ${id}` });
    }
    if (client === null) continue;
    const metadata = declared.get(client) ?? (await durable.clients.find(client))?.metadata;
    const field = `${path}.introspection_client`;
    if (!metadata) {
      faults.push({ field, message: `names ${client}, which is neither in the file nor stored` });
    } else if (metadata.token_endpoint_auth_method === 'none') {
      faults.push({ field, message: `names ${client}, a public client, which may not introspect` });
    }
  }
  return faults;
}
