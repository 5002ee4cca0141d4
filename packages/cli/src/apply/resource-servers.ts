import {
  changedFields,
  createResourceServer,
  type Operator,
  toFields,
  updateResourceServer,
} from '@latchkey/registry';
import type { ResourceServer } from '@latchkey/storage';
import type { Declaration, DeclaredResourceServer } from './declaration.ts';
import { type Step, unchanged } from './step.ts';

export async function planResourceServer(
  operator: Operator,
  declared: DeclaredResourceServer,
): Promise<Step> {
  const { id, identifier } = declared;
  const { resourceServers } = operator.durable;
  const stored =
    id === undefined ? await resourceServers.findByIdentifier(identifier) : await resourceServers.find(id);
  const step = { kind: 'resource_server', name: identifier } as const;
  if (!stored) {
    const run = async () => {
      await createResourceServer(operator, declared);
      return [];
    };
    return { ...step, action: 'create', changes: [], run };
  }
  const changes = changedFields(stored, toFields(declared));
  if (changes.length === 0) return unchanged('resource_server', identifier);
  const run = async () => {
    await updateResourceServer(operator, stored.id, declared);
    return [];
  };
  return { ...step, action: 'update', changes, run };
}

/** As they will be: the file's take the place of the stored ones. */
export async function resourceServersAfterwards(
  { durable }: Operator,
  { resource_servers: declared }: Declaration,
): Promise<Pick<ResourceServer, 'acceptsApiKeys' | 'scopes'>[]> {
  const replaced = new Set(declared.flatMap(({ id, identifier }) => [id, identifier]));
  const stored = await durable.resourceServers.list();
  const staying = stored.filter(({ id, identifier }) => !replaced.has(id) && !replaced.has(identifier));
  return [...staying, ...declared.map(toFields)];
}
