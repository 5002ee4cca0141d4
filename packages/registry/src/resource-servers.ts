import { newId } from '@latchkey/protocol';
import type { NewResourceServer, ResourceServer } from '@latchkey/storage';
import { getClient, usesSecrets } from './clients.ts';
import { InvalidInputError, NotFoundError } from './faults.ts';
import type { ResourceServerInput } from './inputs.ts';
import { inTransaction, type Operator, recordChange } from './operator.ts';

export async function createResourceServer(
  operator: Operator,
  input: ResourceServerInput,
): Promise<ResourceServer> {
  const { id = newId('resourceServer') } = input;
  const fields = toFields(input);
  await checkIntrospectionClient(operator, fields.introspectionClientId);
  return inTransaction(operator, async (within) => {
    const created = await within.durable.resourceServers.create({ id, ...fields });
    await within.announce({ type: 'resource_server', id });
    await recordChange(within, 'resource_server.created', { type: 'resource_server', id });
    return created;
  });
}

/** By id or identifier. */
export async function getResourceServer({ durable }: Operator, name: string): Promise<ResourceServer> {
  const found =
    (await durable.resourceServers.find(name)) ?? (await durable.resourceServers.findByIdentifier(name));
  if (!found) throw new NotFoundError('resource server', name);
  return found;
}

/** Brings it to what `input` says, whole. */
export async function updateResourceServer(
  operator: Operator,
  name: string,
  input: ResourceServerInput,
): Promise<ResourceServer> {
  const before = await getResourceServer(operator, name);
  const fields = toFields(input);
  await checkIntrospectionClient(operator, fields.introspectionClientId);
  const changed = changedFields(before, fields);
  return inTransaction(operator, async (within) => {
    await within.durable.resourceServers.update(before.id, fields);
    await within.announce({ type: 'resource_server', id: before.id });
    const target = { type: 'resource_server', id: before.id };
    await recordChange(within, 'resource_server.updated', target, { details: { changed } });
    return getResourceServer(within, before.id);
  });
}

export function deleteResourceServer(operator: Operator, name: string): Promise<void> {
  return inTransaction(operator, async (within) => {
    const { id } = await getResourceServer(within, name);
    await within.durable.resourceServers.delete(id);
    await within.announce({ type: 'resource_server', id });
    await recordChange(within, 'resource_server.deleted', { type: 'resource_server', id });
  });
}

type Fields = Omit<NewResourceServer, 'id'>;

export function toFields(input: ResourceServerInput): Fields {
  return {
    identifier: input.identifier,
    name: input.name,
    scopes: input.scopes,
    tokenFormat: input.token_format,
    tokenTtlSeconds: input.token_ttl_seconds,
    signingAlgorithm: input.signing_algorithm,
    acceptsApiKeys: input.accepts_api_keys,
    isDefault: input.default,
    introspectionClientId: input.introspection_client,
  };
}

/** The stored record in the words of the input, so that a change to some of it can be checked whole. */
export function toInput(record: ResourceServer): ResourceServerInput {
  return {
    identifier: record.identifier,
    name: record.name,
    scopes: record.scopes,
    token_format: record.tokenFormat,
    token_ttl_seconds: record.tokenTtlSeconds,
    signing_algorithm: record.signingAlgorithm,
    accepts_api_keys: record.acceptsApiKeys,
    default: record.isDefault,
    introspection_client: record.introspectionClientId,
  };
}

/** Names of what differs, as the input calls it. */
export function changedFields(record: ResourceServer, fields: Fields): string[] {
  const before = toInput(record);
  const after = toInput({ ...record, ...fields });
  return Object.keys(after).filter((name) => {
    const key = name as keyof ResourceServerInput;
    return canonical(before[key]) !== canonical(after[key]);
  });
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    part && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

async function checkIntrospectionClient(operator: Operator, id: string | null): Promise<void> {
  if (id === null) return;
  const { metadata } = await getClient(operator, id);
  if (usesSecrets(metadata) || metadata.token_endpoint_auth_method === 'private_key_jwt') return;
  throw new InvalidInputError([
    { field: 'introspection_client', message: `${id} is a public client and may not introspect` },
  ]);
}
