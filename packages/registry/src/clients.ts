import { type ClientMetadata, type Environment, newId, validateClientMetadata } from '@latchkey/protocol';
import type { Client } from '@latchkey/storage';
import { InvalidInputError, NotFoundError } from './faults.ts';
import { inTransaction, type Operator, recordChange } from './operator.ts';
import { getOrganization } from './organizations.ts';
import { inRevokingTransaction, type Revoke } from './revoke.ts';

export interface NewClient {
  id?: string;
  organizationId: string | null;
  environment: Environment;
  metadata: ClientMetadata;
}

/** @throws {InvalidInputError} naming every fault */
export function parseClientMetadata(input: unknown): ClientMetadata {
  const result = validateClientMetadata(input);
  if ('faults' in result) throw new InvalidInputError(result.faults);
  return result.metadata;
}

/** Whether the client authenticates with secrets, and so needs one to be of use. */
export function usesSecrets({ token_endpoint_auth_method: method }: ClientMetadata): boolean {
  return method === 'client_secret_basic' || method === 'client_secret_post';
}

/** Registers a client without secrets. */
export async function createClient(operator: Operator, input: NewClient): Promise<Client> {
  const { id = newId('client'), organizationId, environment, metadata } = input;
  if (organizationId !== null) await getOrganization(operator, organizationId);
  return inTransaction(operator, async (within) => {
    const client = await within.durable.clients.create({ id, organizationId, environment, metadata });
    await within.announce({ type: 'client', id });
    await recordChange(within, 'client.created', { type: 'client', id }, { organizationId });
    return client;
  });
}

export async function getClient({ durable }: Operator, id: string): Promise<Client> {
  const client = await durable.clients.find(id);
  if (!client) throw new NotFoundError('client', id);
  return client;
}

export type ClientChanges = Partial<Pick<Client, 'metadata' | 'organizationId' | 'environment'>>;

/**
 * `change` is given the record as it is while nobody else can change it: what it merges takes no other change back.
 * What was issued for another organisation or environment ends when that changes.
 */
export function updateClient(
  operator: Operator,
  id: string,
  change: (before: Client) => ClientChanges,
): Promise<Client> {
  return inRevokingTransaction(operator, async (within, revoke) => {
    await within.durable.clients.lock(id);
    const before = await getClient(within, id);
    const changes = change(before);
    if (changes.organizationId) await getOrganization(within, changes.organizationId);
    await within.durable.clients.update(id, changes);
    await within.announce({ type: 'client', id });
    const after = await getClient(within, id);
    const { organizationId } = after;
    const details = { changed: changedMembers(before, changes) };
    await recordChange(within, 'client.updated', { type: 'client', id }, { organizationId, details });
    if (after.organizationId !== before.organizationId || after.environment !== before.environment) {
      await revokeClient(revoke, id);
      // With the change: made again it would be found made already, and a refresh asks for neither.
      await within.durable.grants.revokeMatching({ clientId: id });
    }
    return after;
  });
}

export function disableClient(operator: Operator, id: string): Promise<Client> {
  return inRevokingTransaction(operator, async (within, revoke) => {
    const { disabledAt, organizationId } = await getClient(within, id);
    if (!disabledAt) await within.durable.clients.update(id, { disabledAt: within.now() });
    await within.announce({ type: 'client', id });
    await recordChange(within, 'client.disabled', { type: 'client', id }, { organizationId });
    await revokeClient(revoke, id);
    return getClient(within, id);
  });
}

export function enableClient(operator: Operator, id: string): Promise<Client> {
  return inTransaction(operator, async (within) => {
    const { organizationId } = await getClient(within, id);
    await within.durable.clients.update(id, { disabledAt: null });
    await within.announce({ type: 'client', id });
    await recordChange(within, 'client.enabled', { type: 'client', id }, { organizationId });
    return getClient(within, id);
  });
}

/** Disables the client, then deletes it with its secrets, grants and refresh tokens. */
export async function deleteClient(operator: Operator, id: string): Promise<void> {
  const { organizationId } = await disableClient(operator, id);
  await inRevokingTransaction(operator, async (within, revoke) => {
    if (!(await within.durable.clients.delete(id))) throw new NotFoundError('client', id);
    await within.announce({ type: 'client', id });
    await recordChange(within, 'client.deleted', { type: 'client', id }, { organizationId });
    // Once more: it may have been enabled meanwhile.
    await revokeClient(revoke, id);
  });
}

function revokeClient(revoke: Revoke, id: string): Promise<void> {
  return revoke({ subject: 'client', id }, { clientId: id });
}

/** Names of what differs, metadata by member. */
export function changedMembers(before: Client, { metadata, ...changes }: ClientChanges): string[] {
  const differs = (a: unknown, b: unknown) => JSON.stringify(a) !== JSON.stringify(b);
  const fields = (['organizationId', 'environment'] as const).filter(
    (name) => changes[name] !== undefined && changes[name] !== before[name],
  );
  const members = metadata ? Object.keys({ ...before.metadata, ...metadata }) : [];
  return [
    ...fields.map((name) => (name === 'organizationId' ? 'organization' : name)),
    ...members.filter((name) =>
      differs(before.metadata[name as keyof ClientMetadata], metadata?.[name as keyof ClientMetadata]),
    ),
  ];
}
