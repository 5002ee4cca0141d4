import { openPostgres, StorageUnavailableError } from '@latchkey/storage';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import {
  createDatabase,
  startPostgres,
  type TestDatabase,
  type TestServer,
} from '../../../infra/test/servers.ts';
import { type SilentProxy, startSilentProxy } from './silent-proxy.ts';

describe('a PostgreSQL that is away', () => {
  test('where nothing listens, every call says the storage is unavailable', async () => {
    const storage = openPostgres({ url: 'postgres://nobody@127.0.0.1:1/nothing' });
    const calls = [
      storage.ping(),
      storage.clients.find('client_1'),
      storage.grants.revoke('grant_1'),
      storage.refreshTokens.consume('value', { retryWindowSeconds: 10 }),
      storage.migrate(),
      storage.checkSchema(),
    ];
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: 'rejected', reason: expect.any(StorageUnavailableError) });
    }
    await storage.close();
  });

  describe('killed under load', () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startPostgres();
    });
    afterAll(() => server.stop());

    test('calls in flight say so, the process lives, and it serves again when the server is back', async () => {
      const storage = openPostgres({ url: server.url });
      await storage.migrate();
      await storage.organizations.create({ id: 'org_1', name: 'Acme', plan: 'free' });
      const calls = Promise.allSettled(
        Array.from({ length: 200 }, () => storage.organizations.find('org_1')),
      );
      await server.kill();
      for (const call of await calls) {
        if (call.status === 'rejected') expect(call.reason).toBeInstanceOf(StorageUnavailableError);
      }
      // The server's own processes notice the death of the one that was killed a moment later.
      await expect
        .poll(() => storage.organizations.find('org_1').catch((error) => error), { timeout: 10_000 })
        .toBeInstanceOf(StorageUnavailableError);
      await server.restart();
      await expect.poll(() => storage.ping().then(() => 'up', String)).toBe('up');
      expect((await storage.organizations.find('org_1'))?.name).toBe('Acme');
      await storage.close();
    });
  });
});

describe('a PostgreSQL that went silent', () => {
  let database: TestDatabase;
  let proxy: SilentProxy;
  beforeEach(async () => {
    database = await createDatabase(inject('postgresUrl'));
    proxy = await startSilentProxy(database.url);
  });
  afterEach(async () => {
    await proxy.close();
    await database.drop();
  });

  test('is unavailable within seconds, on a connection that was there and on a new one', {
    timeout: 10_000,
  }, async () => {
    const storage = openPostgres({ url: proxy.url });
    await storage.ping();
    proxy.silence();
    await expect(storage.ping()).rejects.toThrow(StorageUnavailableError);
    await expect(storage.ping()).rejects.toThrow(StorageUnavailableError);
    await storage.close();
  });

  test('ends a transaction with its first statement: no rollback waits for it once more', async () => {
    const storage = openPostgres({ url: proxy.url });
    await storage.migrate();
    const ended: string[] = [];
    let other: Promise<unknown> | undefined;
    const transaction = storage.transaction(async (records) => {
      await records.clients.list();
      proxy.silence();
      await expect(records.clients.list()).rejects.toThrow(StorageUnavailableError);
      // Begins to wait when a rollback would, and for a shorter time.
      other = storage.ping().catch(() => ended.push('other'));
      await records.clients.list();
    });
    await expect(transaction).rejects.toThrow(StorageUnavailableError);
    ended.push('transaction');
    await other;
    expect(ended).toEqual(['transaction', 'other']);
    await storage.close();
  });
});

describe('connections to PostgreSQL', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl'));
  });
  afterAll(() => database.drop());

  const query = async (text: string, connectionString = database.url) => {
    const client = new pg.Client({ connectionString });
    await client.connect();
    try {
      return (await client.query<{ count: number }>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const COUNT =
    "select count(*)::int from pg_stat_activity where datname = current_database() and application_name = 'leak-test'";

  test('a closed storage leaves none behind, failed and rolled-back work included', async () => {
    const storage = openPostgres({ url: database.url, poolSize: 4, applicationName: 'leak-test' });
    await storage.migrate();
    const grant = { id: 'grant_1', accountId: 'none', clientId: 'none', organizationId: null };
    await Promise.allSettled([
      ...Array.from({ length: 20 }, () => storage.clients.list()),
      ...Array.from({ length: 20 }, () =>
        storage.grants.put({ ...grant, payload: {}, expiresAt: new Date() }),
      ),
      ...Array.from({ length: 20 }, () => storage.grants.revoke('grant_1')),
      storage.grants.revokeMatching({}),
    ]);
    expect((await query(COUNT))[0]?.count).toBe(4);
    await storage.close();
    await storage.close();
    await expect.poll(async () => (await query(COUNT))[0]?.count).toBe(0);
    await expect(storage.ping()).rejects.toThrow(StorageUnavailableError);
  });

  test('one that reached a standby is given up with the first write that it refuses', async () => {
    const storage = openPostgres({ url: database.url, poolSize: 1 });
    await storage.migrate();
    await storage.close();
    const name = new URL(database.url).pathname.slice(1);
    const configure = (change: string) => query(`alter database ${name} ${change}`, inject('postgresUrl'));
    await configure('set default_transaction_read_only = on');
    const standby = openPostgres({ url: database.url, poolSize: 1 });
    await standby.ping();
    await configure('reset default_transaction_read_only');
    const create = () => standby.organizations.create({ id: 'org_1', name: 'Acme', plan: 'free' });
    await expect(create()).rejects.toThrow(StorageUnavailableError);
    expect(await create()).toMatchObject({ id: 'org_1' });
    await standby.close();
  });

  test('one that stands still in a transaction gives its rows back within seconds', {
    timeout: 20_000,
  }, async () => {
    const [still, other] = [openPostgres({ url: database.url }), openPostgres({ url: database.url })];
    await still.migrate();
    await still.organizations.create({ id: 'org_still', name: 'Acme', plan: 'free' });
    const rename = (name: string) => other.organizations.update('org_still', { name });
    const { promise: renamed, resolve } = Promise.withResolvers<void>();
    const held = still.transaction(async (records) => {
      await records.organizations.update('org_still', { name: 'Held' });
      await expect(rename('Early')).rejects.toThrow(StorageUnavailableError);
      await expect.poll(() => rename('Renamed').then(() => 'done', String), { timeout: 6_000 }).toBe('done');
      resolve();
    });
    await expect(held).rejects.toThrow(StorageUnavailableError);
    await renamed;
    await Promise.all([still.close(), other.close()]);
  });

  test('those an operator terminates are replaced', async () => {
    const storage = openPostgres({ url: database.url, applicationName: 'leak-test' });
    await storage.migrate();
    await Promise.all(Array.from({ length: 5 }, () => storage.ping()));
    await query(COUNT.replace('count(*)::int', 'pg_terminate_backend(pid)'));
    await expect.poll(() => storage.ping().then(() => 'up', String)).toBe('up');
    await storage.close();
  });
});
