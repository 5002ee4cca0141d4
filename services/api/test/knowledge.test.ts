import { mintApiKey, type NewApiKey, newId } from '@latchkey/protocol';
import { createLogger } from '@latchkey/service';
import {
  type DurableStorage,
  digestSecret,
  type FeedHandlers,
  openPostgres,
  type RevocationFeed,
} from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../infra/test/servers.ts';
import { createKnowledge } from '../src/knowledge.ts';
import { configOf, PEPPER, RESOURCE_SERVER } from './harness.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
let database: TestDatabase;
let durable: DurableStorage;
beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  durable = openPostgres({ url: database.url });
  await durable.migrate();
  await durable.resourceServers.create(RESOURCE_SERVER);
});
afterAll(async () => {
  await durable.close();
  await database.drop();
});

/** What a process knows, behind a feed that says what the test has it say. */
async function start() {
  let handlers: FeedHandlers | undefined;
  const feed: RevocationFeed = {
    publish: async (event) => handlers?.onEvent(event),
    async follow(given) {
      handlers = given;
      return { close: async () => {} };
    },
  };
  const knowledge = createKnowledge(configOf('https://auth.example.test'), {
    durable,
    shared: { feed },
    logger,
    onSigningKeys() {},
    now: Date.now,
  });
  await knowledge.start();
  onTestFinished(knowledge.stop);
  return { ...knowledge, feed, gap: () => handlers?.onGap() };
}

async function createOrganization() {
  const { id } = await durable.organizations.create({
    id: newId('organization'),
    name: 'Acme',
    plan: 'free',
  });
  return id;
}

async function createKey(changes: Partial<Parameters<DurableStorage['apiKeys']['create']>[0]> = {}) {
  const minted = mintApiKey('live');
  await durable.apiKeys.create({
    id: minted.id,
    organizationId: await createOrganization(),
    environment: 'live',
    name: 'Script',
    scopes: ['work-orders:read'],
    digest: digestSecret(PEPPER, minted.secret),
    lastFour: minted.key.slice(-4),
    ipAllowlist: [],
    rateLimit: null,
    createdBy: { type: 'operator', id: 'test' },
    expiresAt: null,
    ...changes,
  });
  return minted;
}

const revoke = ({ id }: NewApiKey) => durable.apiKeys.update(id, { revokedAt: new Date() });

describe('of a key', () => {
  test('all is known that the guard asks', async () => {
    const { apiKeys } = await start();
    const expiresAt = new Date(Date.now() + 60_000);
    const key = await createKey({ ipAllowlist: ['203.0.113.0/24'], rateLimit: 7, expiresAt });
    const record = await apiKeys.find(key.id);
    expect(record).toMatchObject({
      id: key.id,
      environment: 'live',
      requestsPerMinute: 7,
      expiresAt: expiresAt.getTime(),
      revoked: false,
    });
    expect([...(record?.scopes ?? [])]).toEqual(['work-orders:read']);
    expect([record?.allowlist?.includes('203.0.113.1'), record?.allowlist?.includes('1.1.1.1')]).toEqual([
      true,
      false,
    ]);
    expect(apiKeys.find(key.id)).toBe(record);
  });

  test('the secret is the right one, and no other is', async () => {
    const { apiKeys } = await start();
    const key = await createKey();
    const record = await apiKeys.find(key.id);
    if (!record) throw new Error('not found');
    expect(apiKeys.verify(record, key)).toBe(true);
    expect(apiKeys.verify(record, { ...key, secret: mintApiKey('live').secret })).toBe(false);
    expect(apiKeys.verify(record, { ...key, secret: '' })).toBe(false);
  });

  test('nothing is known that does not exist', async () => {
    const { apiKeys } = await start();
    expect(await apiKeys.find(mintApiKey('live').id)).toBeUndefined();
    expect(await apiKeys.find('key_\0')).toBeUndefined();
  });

  test('its use is no change: the record stays the same object', async () => {
    const { apiKeys } = await start();
    const key = await createKey({ ipAllowlist: ['203.0.113.0/24'] });
    const record = await apiKeys.find(key.id);
    await durable.apiKeys.touch([{ id: key.id, at: new Date() }]);
    await durable.apiKeys.update(key.id, { name: 'Renamed' });
    await apiKeys.reread();
    expect(apiKeys.find(key.id)).toBe(record);
  });

  test.each<[string, (known: Awaited<ReturnType<typeof start>>, id: string) => unknown]>([
    ['by its event', ({ feed }, id) => feed.publish({ type: 'api_key', id })],
    ['by a gap', ({ gap }) => gap()],
    ['by the look at the changes, though nobody announced it', ({ apiKeys }) => apiKeys.reread()],
  ])('a revocation is known %s', async (_, tell) => {
    const known = await start();
    const key = await createKey();
    expect(await known.apiKeys.find(key.id)).toMatchObject({ revoked: false });
    await revoke(key);
    expect(known.apiKeys.find(key.id)).toMatchObject({ revoked: false });
    await tell(known, key.id);
    expect(await known.apiKeys.find(key.id)).toMatchObject({ revoked: true });
  });

  test('a deletion is known by its event', async () => {
    const { apiKeys, feed } = await start();
    const key = await createKey();
    await apiKeys.find(key.id);
    await durable.apiKeys.delete(key.id);
    await feed.publish({ type: 'api_key', id: key.id });
    expect(await apiKeys.find(key.id)).toBeUndefined();
  });

  test('a hundred revocations that race with look-ups leave nobody with an old record', async () => {
    const { apiKeys, feed } = await start();
    const keys = await Promise.all(Array.from({ length: 100 }, () => createKey()));
    await Promise.all(
      keys.map(async (key) => {
        const looking = apiKeys.find(key.id);
        await revoke(key);
        await feed.publish({ type: 'api_key', id: key.id });
        await looking;
      }),
    );
    const found = await Promise.all(keys.map(({ id }) => apiKeys.find(id)));
    expect(found.map((record) => record?.revoked)).toEqual(keys.map(() => true));
  });
});

test('ten thousand made-up ids at once cost a few queries', async () => {
  let queries = 0;
  const counting: DurableStorage = {
    ...durable,
    apiKeys: {
      ...durable.apiKeys,
      findMany(ids) {
        queries += 1;
        return durable.apiKeys.findMany(ids);
      },
    },
  };
  const knowledge = createKnowledge(configOf('https://auth.example.test'), {
    durable: counting,
    shared: { feed: { publish: async () => {}, follow: async () => ({ close: async () => {} }) } },
    logger,
    onSigningKeys() {},
    now: Date.now,
  });
  const found = await Promise.all(
    Array.from({ length: 10_000 }, () => knowledge.apiKeys.find(mintApiKey('live').id)),
  );
  expect(found.every((record) => record === undefined)).toBe(true);
  expect(queries).toBe(11);
});

describe('of an organisation', () => {
  test('its terms are known before the first request', async () => {
    const id = await createOrganization();
    await durable.organizations.update(id, { ipAllowlist: ['203.0.113.0/24'] });
    const { organizations } = await start();
    const terms = organizations.find(id);
    expect(terms).toMatchObject({ disabled: false, requestsPerMinute: 1_000 });
    expect(organizations.find(id)).toBe(terms);
  });

  test('its own limit stands above its plan', async () => {
    const id = await createOrganization();
    await durable.organizations.update(id, { rateLimit: 5, plan: 'enterprise' });
    const { organizations } = await start();
    expect(organizations.find(id)).toMatchObject({ requestsPerMinute: 5 });
  });

  test('that is made later is found', async () => {
    const { organizations } = await start();
    expect(await organizations.find(await createOrganization())).toMatchObject({ disabled: false });
  });

  test.each<[string, (known: Awaited<ReturnType<typeof start>>, id: string) => unknown]>([
    ['by its event', ({ feed }, id) => feed.publish({ type: 'organization', id })],
    ['by a gap', ({ gap }) => gap()],
    ['by the look at the changes', ({ organizations }) => organizations.reread()],
  ])('that it is disabled is known %s', async (_, tell) => {
    const id = await createOrganization();
    const known = await start();
    await durable.organizations.update(id, { disabledAt: new Date() });
    await tell(known, id);
    expect(await known.organizations.find(id)).toMatchObject({ disabled: true });
  });

  test('that is deleted nothing is known', async () => {
    const id = await createOrganization();
    const { organizations, feed } = await start();
    await durable.organizations.delete(id);
    await feed.publish({ type: 'organization', id });
    expect(await organizations.find(id)).toBeUndefined();
  });
});

describe('whether API keys are accepted', () => {
  test('is known from the start, and by its event or a look once it changes', async () => {
    const { apiKeys, feed } = await start();
    expect(apiKeys.accepted()).toBe(true);
    await durable.resourceServers.update(RESOURCE_SERVER.id, { acceptsApiKeys: false });
    await feed.publish({ type: 'resource_server', id: RESOURCE_SERVER.id });
    await expect.poll(() => apiKeys.accepted()).toBe(false);
    await durable.resourceServers.update(RESOURCE_SERVER.id, { acceptsApiKeys: true });
    await apiKeys.reread();
    expect(apiKeys.accepted()).toBe(true);
  });
});
