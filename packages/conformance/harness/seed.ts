import {
  type ClientMetadata,
  DATA_SCOPES,
  MANAGEMENT_SCOPES,
  ROLES,
  type Role,
  validateClientMetadata,
} from '@latchkey/protocol';
import { type DurableStorage, digestSecret, hashPassword } from '@latchkey/storage';
import type { Person } from './person.ts';

export const ORGANIZATION = 'org_acme';
export const CALLBACK = 'http://127.0.0.1:4999/callback';
const ALL = [...Object.keys(DATA_SCOPES), 'openid', 'profile', 'email'].join(' ');

export interface SeededClient {
  client_id: string;
  client_secret: string;
}

export interface Seed {
  people: Record<Role, Person & { id: string }>;
  clients: Record<
    'web' | 'published' | 'machine' | 'manager' | 'resourceServer' | 'otherResourceServer',
    SeededClient
  > &
    Record<'spa' | 'native', { client_id: string }>;
}

/** An organisation with a person of each role and a client of each kind, and the API with two resource servers. */
export async function seed(
  durable: DurableStorage,
  options: { pepper: Buffer; audience: string },
): Promise<Seed> {
  const { pepper, audience } = options;
  await durable.organizations.create({ id: ORGANIZATION, name: 'Acme Manufacturing', plan: 'professional' });
  const people = await seedPeople(durable);
  const confidential = { redirect_uris: [CALLBACK], scope: ALL };
  const machine = { scope: Object.keys(DATA_SCOPES).join(' ') };
  const clients = {
    web: await addClient(durable, pepper, 'client_web', { ...confidential, application_type: 'web' }),
    published: await addClient(durable, pepper, 'client_published', {
      ...confidential,
      application_type: 'web',
      require_pkce: false,
      refresh_without_secret: true,
    }),
    spa: await addSecretlessClient(durable, 'client_spa', { ...confidential, application_type: 'spa' }),
    native: await addSecretlessClient(durable, 'client_native', {
      ...confidential,
      application_type: 'native',
    }),
    machine: await addClient(durable, pepper, 'client_machine', { ...machine, application_type: 'machine' }),
    manager: await addClient(durable, pepper, 'client_manager', {
      scope: Object.keys({ ...DATA_SCOPES, ...MANAGEMENT_SCOPES }).join(' '),
      application_type: 'machine',
    }),
    resourceServer: await addClient(durable, pepper, 'client_rs', { application_type: 'resource_server' }),
    otherResourceServer: await addClient(durable, pepper, 'client_rs2', {
      application_type: 'resource_server',
    }),
  };
  await seedResourceServers(durable, audience);
  return { people, clients };
}

async function seedPeople(durable: DurableStorage): Promise<Seed['people']> {
  const password = 'correct horse battery staple';
  const passwordDigest = await hashPassword(password);
  const people = await Promise.all(
    ROLES.map(async (role) => {
      const id = `user_${role}`;
      const email = `${role}@acme.example`;
      await durable.accounts.create({
        id,
        email,
        name: `${role} of Acme`,
        passwordDigest,
        emailVerified: true,
      });
      await durable.organizations.putMember({ organizationId: ORGANIZATION, accountId: id, role });
      return [role, { id, email, password }] as const;
    }),
  );
  return Object.fromEntries(people) as Seed['people'];
}

export async function addClient(
  durable: DurableStorage,
  pepper: Buffer,
  id: string,
  input: Partial<ClientMetadata>,
): Promise<SeededClient> {
  await createClient(durable, id, input);
  const client_secret = `${id}-secret-0123456789abcdef`;
  const digest = digestSecret(pepper, client_secret);
  await durable.clients.addSecret({ id: `secret_${id}`, clientId: id, digest, expiresAt: null });
  return { client_id: id, client_secret };
}

/** A public client, or one with keys of its own. */
export async function addSecretlessClient(
  durable: DurableStorage,
  id: string,
  input: Partial<ClientMetadata>,
): Promise<{ client_id: string }> {
  await createClient(durable, id, input);
  return { client_id: id };
}

async function createClient(
  durable: DurableStorage,
  id: string,
  input: Partial<ClientMetadata>,
): Promise<void> {
  const result = validateClientMetadata({ client_name: id, ...input });
  if ('faults' in result) throw new Error(JSON.stringify(result.faults));
  const { metadata } = result;
  await durable.clients.create({ id, organizationId: ORGANIZATION, environment: 'live', metadata });
}

async function seedResourceServers(durable: DurableStorage, audience: string): Promise<void> {
  const common = { signingAlgorithm: 'ES256', tokenTtlSeconds: 3600 } as const;
  await durable.resourceServers.create({
    ...common,
    id: 'rs_api',
    identifier: audience,
    name: 'MES API',
    scopes: { ...DATA_SCOPES, ...MANAGEMENT_SCOPES },
    tokenFormat: 'jwt',
    acceptsApiKeys: true,
    isDefault: true,
    introspectionClientId: 'client_rs',
  });
  await durable.resourceServers.create({
    ...common,
    id: 'rs_opaque',
    identifier: 'https://opaque.example.com',
    name: 'Opaque API',
    scopes: { 'work-orders:read': DATA_SCOPES['work-orders:read'] },
    tokenFormat: 'opaque',
    acceptsApiKeys: false,
    isDefault: false,
    introspectionClientId: 'client_rs2',
  });
}
