import { type ClientMetadata, type Environment, newId, validateClientMetadata } from '@latchkey/protocol';
import type { Client } from '@latchkey/storage';
import { InvalidInputError, NotFoundError } from './faults.ts';
import { type Operator, recordChange } from './operator.ts';
import { getOrganization } from './organizations.ts';
import { revokeAuthority } from './revoke.ts';

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
  const client = await operator.durable.clients.create({ id, organizationId, environment, metadata });
  await operator.announce({ type: 'client', id });
  await recordChange(operator, 'client.created', { type: 'client', id }, { organizationId });
  return client;
}

export async function getClient({ durable }: Operator, id: string): Promise<Client> {
  const client = await durable.clients.find(id);
  if (!client) throw new NotFoundError('client', id);
  return client;
}

/** What was issued to it for another organisation or environment ends when that changes. */
export async function updateClient(
  operator: Operator,
  id: string,
  changes: Partial<Pick<Client, 'metadata' | 'organizationId' | 'environment'>>,
): Promise<Client> {
  const before = await getClient(operator, id);
  if (changes.organizationId) await getOrganization(operator, changes.organizationId);
  await operator.durable.clients.update(id, changes);
  await operator.announce({ type: 'client', id });
  const after = await getClient(operator, id);
  if (after.organizationId !== before.organizationId || after.environment !== before.environment) {
    await revokeClient(operator, id);
  }
  await recordChange(
    operator,
    'client.updated',
    { type: 'client', id },
    { organizationId: after.organizationId, details: { changed: changedMembers(before, changes) } },
  );
  return after;
}

export async function disableClient(operator: Operator, id: string): Promise<Client> {
  const { organizationId } = await suspend(operator, id);
  await recordChange(operator, 'client.disabled', { type: 'client', id }, { organizationId });
  return getClient(operator, id);
}

export async function enableClient(operator: Operator, id: string): Promise<Client> {
  const { organizationId } = await getClient(operator, id);
  await operator.durable.clients.update(id, { disabledAt: null });
  await operator.announce({ type: 'client', id });
  await recordChange(operator, 'client.enabled', { type: 'client', id }, { organizationId });
  return getClient(operator, id);
}

/** Deletes the client with its secrets, grants and refresh tokens. */
export async function deleteClient(operator: Operator, id: string): Promise<void> {
  const { organizationId } = await suspend(operator, id);
  await operator.durable.clients.delete(id);
  await operator.announce({ type: 'client', id });
  await recordChange(operator, 'client.deleted', { type: 'client', id }, { organizationId });
}

async function suspend(operator: Operator, id: string): Promise<Client> {
  const client = await getClient(operator, id);
  if (!client.disabledAt) await operator.durable.clients.update(id, { disabledAt: operator.now() });
  await operator.announce({ type: 'client', id });
  await revokeClient(operator, id);
  return client;
}

function revokeClient(operator: Operator, id: string): Promise<void> {
  return revokeAuthority(operator, { subject: 'client', id }, { clientId: id });
}

/** Names of what differs, metadata by member. */
export function changedMembers(
  before: Client,
  { metadata, ...changes }: Partial<Pick<Client, 'metadata' | 'organizationId' | 'environment'>>,
): string[] {
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
