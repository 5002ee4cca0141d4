import { timingSafeEqual } from 'node:crypto';
import { type Fault, parseScope } from '@latchkey/protocol';
import {
  addClientSecret,
  changedMembers,
  createClient,
  type Operator,
  requestableScopes,
  revokeClientSecret,
  updateClient,
  usesSecrets,
} from '@latchkey/registry';
import { type Client, digestSecret } from '@latchkey/storage';
import type { Declaration, DeclaredClient } from './declaration.ts';
import { resourceServersAfterwards } from './resource-servers.ts';
import { type GeneratedSecret, type Step, unchanged } from './step.ts';

export async function planClient(
  operator: Operator,
  pepper: Buffer,
  declared: DeclaredClient,
): Promise<Step> {
  const { client_id: id, organization: organizationId, environment, metadata } = declared;
  const stored = await operator.durable.clients.find(id);
  const secrets = planSecrets(operator, pepper, declared, stored);
  const step = { kind: 'client', name: id } as const;
  if (!stored) {
    const run = async () => {
      await createClient(operator, { id, organizationId, environment, metadata });
      return secrets.run();
    };
    return { ...step, action: 'create', changes: secrets.changes, run };
  }
  const fields = { organizationId, environment, metadata };
  const members = changedMembers(stored, fields);
  const changes = [...members, ...secrets.changes];
  if (changes.length === 0) return unchanged('client', id);
  const run = async () => {
    if (members.length > 0) await updateClient(operator, id, () => fields);
    return secrets.run();
  };
  return { ...step, action: 'update', changes, run };
}

/** Scopes that nothing knows: a slip of the pen would show when somebody asks for the scope that was meant. */
export async function findClientFaults(operator: Operator, declaration: Declaration): Promise<Fault[]> {
  const known = requestableScopes(await resourceServersAfterwards(operator, declaration));
  const all = [...known].join(' ');
  return declaration.clients.flatMap(({ metadata }, index) =>
    [...parseScope(metadata.scope)]
      .filter((scope) => !known.has(scope))
      .map((scope) => ({
        field: `clients[${index}].scope`,
        message: `${scope} is no scope that a client can ask for. A client can ask for: ${all}`,
      })),
  );
}

interface SecretPlan {
  changes: string[];
  run(): Promise<GeneratedSecret[]>;
}

/**
 * The file's secrets replace all others. Where it gives none those that live are left alone, and a client that
 * needs one and has none gets one made here.
 */
function planSecrets(
  operator: Operator,
  pepper: Buffer,
  { client_id: id, secrets: declared, metadata }: DeclaredClient,
  stored: Client | undefined,
): SecretPlan {
  const live = stored?.secrets ?? [];
  if (!usesSecrets(metadata)) return { changes: [], run: async () => [] };
  if (!declared)
    return live.length > 0 ? { changes: [], run: async () => [] } : generateOne(operator, pepper, id);
  const wanted = declared.map((secret) => ({ secret, digest: digestSecret(pepper, secret) }));
  const missing = wanted.filter(({ digest }) => !live.some((secret) => isSame(secret.digest, digest)));
  const superfluous = live.filter((secret) => !wanted.some(({ digest }) => isSame(secret.digest, digest)));
  if (missing.length + superfluous.length === 0) return { changes: [], run: async () => [] };
  return {
    changes: [live.length === 0 ? 'client_secrets' : 'client_secrets (others are revoked)'],
    // New ones first: a run that is cut short leaves the client with one that works.
    async run() {
      for (const { secret } of missing) await addClientSecret(operator, pepper, id, { secret });
      for (const secret of superfluous) await revokeClientSecret(operator, id, secret.id);
      return [];
    },
  };
}

function generateOne(operator: Operator, pepper: Buffer, id: string): SecretPlan {
  return {
    changes: ['a new client_secret, shown once'],
    async run() {
      const { secret } = await addClientSecret(operator, pepper, id);
      return [{ client_id: id, client_secret: secret }];
    },
  };
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
