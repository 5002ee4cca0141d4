import { randomBytes } from 'node:crypto';
import {
  addClientSecret,
  createAccount,
  createApplication,
  createOrganization,
  createResourceServer,
  deleteAccount,
  deleteApiKey,
  deleteClient,
  deleteOrganization,
  deleteResourceServer,
  disableAccount,
  disableClient,
  disableOrganization,
  expireClientSecret,
  type Operator,
  putMember,
  removeMember,
  reportLeakedApiKey,
  revokeApiKey,
  revokeClientSecret,
  rotateApiKey,
  rotateSigningKey,
  setAccountPassword,
  updateAccount,
  updateApiKey,
  updateApplication,
  updateOrganization,
} from '@latchkey/registry';
import { type DurableRecords, StorageUnavailableError } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistry, inSeconds, makeApiKey, type Registry, SETTINGS } from './registry.ts';

const DAY = 86_400;
const OWNER = { organizationId: 'org_a', environments: ['live' as const] };
const RESOURCE_SERVER = {
  identifier: 'https://orders.example.com',
  name: 'Orders',
  scopes: { 'orders:read': 'Read orders' },
  token_format: 'jwt' as const,
  token_ttl_seconds: 3600,
  signing_algorithm: 'ES256' as const,
  accepts_api_keys: true,
  default: true,
  introspection_client: null,
};

let registry: Registry;
let scene: Awaited<ReturnType<typeof createScene>>;
beforeAll(async () => {
  registry = await createRegistry();
  scene = await createScene(registry);
});
afterAll(() => registry?.close());

const robot = { client_name: 'Robot', application_type: 'machine' as const, scope: 'orders:read' };

async function createScene({ operator, pepper }: Registry) {
  const { id: resourceServer } = await createResourceServer(operator, RESOURCE_SERVER);
  const { apiKey } = await makeApiKey(registry);
  const { client, secret } = await createApplication(
    operator,
    pepper,
    { organizationId: 'org_a', environment: 'live' },
    robot,
  );
  const { id: account } = await createAccount(operator, { email: 'ada@example.com', name: 'Ada' });
  await putMember(operator, { organizationId: 'org_a', accountId: account, role: 'admin' });
  return { resourceServer, apiKey: apiKey.id, client: client.id, secret: String(secret?.id), account };
}

/** The registry with a database that stores everything but audit events. */
function withoutAudit(operator: Operator): Operator {
  const refuse = (records: DurableRecords): DurableRecords => ({
    ...records,
    auditEvents: {
      ...records.auditEvents,
      append: () => Promise.reject(new StorageUnavailableError('no room for audit events')),
    },
    transaction: (work) => records.transaction((within) => work(refuse(within))),
  });
  return { ...operator, durable: refuse(operator.durable) };
}

async function readAll({ durable }: Registry): Promise<unknown> {
  const organizationId = 'org_a';
  return {
    organizations: await durable.organizations.list(),
    members: await durable.organizations.listMembers(organizationId),
    account: await durable.accounts.find(scene.account),
    clients: await durable.clients.list(),
    apiKeys: await durable.apiKeys.list({ organizationId, limit: 100 }),
    resourceServers: await durable.resourceServers.list(),
    signingKeys: await durable.signingKeys.list(),
    revocations: await durable.revocations.list(),
    audited: await durable.auditEvents.list({ limit: 1000 }),
  };
}

type Act = (operator: Operator, pepper: Buffer) => Promise<unknown>;

describe('a change that the audit log cannot have', () => {
  it.each<[string, Act]>([
    ['a new organisation', (operator) => createOrganization(operator, { name: 'C', plan: 'free' })],
    ['a limit', (operator) => updateOrganization(operator, 'org_a', { rate_limit: 5 })],
    ['a disabled organisation', (operator) => disableOrganization(operator, 'org_a')],
    ['a deleted organisation', (operator) => deleteOrganization(operator, 'org_a')],
    ['a new account', (operator) => createAccount(operator, { email: 'bob@example.com', name: 'Bob' })],
    ['a name', (operator) => updateAccount(operator, scene.account, { name: 'Eve' })],
    ['a password', (operator) => setAccountPassword(operator, scene.account, 'correct horse battery')],
    ['a disabled account', (operator) => disableAccount(operator, scene.account)],
    ['a deleted account', (operator) => deleteAccount(operator, scene.account)],
    [
      'a role',
      (operator) => putMember(operator, { organizationId: 'org_a', accountId: scene.account, role: 'owner' }),
    ],
    ['a removed member', (operator) => removeMember(operator, 'org_a', scene.account)],
    [
      'a new application with its secret',
      (operator, pepper) =>
        createApplication(operator, pepper, { organizationId: 'org_a', environment: 'live' }, robot),
    ],
    [
      'an application’s name',
      (operator) => updateApplication(operator, OWNER, scene.client, { client_name: 'Other' }),
    ],
    ['a disabled client', (operator) => disableClient(operator, scene.client)],
    ['a deleted client', (operator) => deleteClient(operator, scene.client)],
    [
      'a rotated secret',
      (operator, pepper) =>
        addClientSecret(operator, pepper, scene.client, { othersExpireAt: inSeconds(registry, DAY) }),
    ],
    [
      'the end of a secret',
      (operator) => expireClientSecret(operator, scene.client, scene.secret, inSeconds(registry, DAY)),
    ],
    ['a revoked secret', (operator) => revokeClientSecret(operator, scene.client, scene.secret)],
    ['a new key', (operator, pepper) => makeApiKey({ ...registry, operator, pepper }, SETTINGS)],
    ['a key’s scopes', (operator) => updateApiKey(operator, scene.apiKey, { scopes: ['orders:read'] })],
    [
      'a rotated key',
      (operator, pepper) => rotateApiKey(operator, pepper, scene.apiKey, { overlapSeconds: DAY }),
    ],
    ['a revoked key', (operator) => revokeApiKey(operator, scene.apiKey)],
    [
      'a leaked key',
      (operator) => reportLeakedApiKey(operator, scene.apiKey, { url: 'https://x.example', source: 'a' }),
    ],
    ['a deleted key', (operator) => deleteApiKey(operator, scene.apiKey)],
    [
      'a new default API',
      (operator) =>
        createResourceServer(operator, { ...RESOURCE_SERVER, identifier: 'https://other.example.com' }),
    ],
    ['a deleted API', (operator) => deleteResourceServer(operator, scene.resourceServer)],
    [
      'a new signing key',
      (operator) =>
        rotateSigningKey(operator, randomBytes(32), {
          algorithm: 'ES256',
          activateAfterSeconds: 0,
          emergency: true,
        }),
    ],
  ])('does not happen, and nobody hears of it: %s', async (_, act) => {
    const before = await readAll(registry);
    registry.takeAnnounced();
    const attempt = act(withoutAudit(registry.operator), registry.pepper);
    await expect(attempt).rejects.toThrow('no room for audit events');
    expect(await readAll(registry)).toEqual(before);
    expect(registry.takeAnnounced()).toEqual([]);
  });
});
