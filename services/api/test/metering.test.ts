import type { Principal } from '@latchkey/guard';
import { newId } from '@latchkey/protocol';
import { createLogger } from '@latchkey/service';
import {
  type DurableStorage,
  openPostgres,
  StorageUnavailableError,
  type Usage,
  type UsageCount,
} from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../infra/test/servers.ts';
import { createMetering } from '../src/metering/metering.ts';

let database: TestDatabase;
let durable: DurableStorage;
beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  durable = openPostgres({ url: database.url });
  await durable.migrate();
});
afterAll(async () => {
  await durable.close();
  await database.drop();
});

const START = Date.UTC(2026, 4, 1, 12, 0, 0);
const MINUTE = 60_000;
const READ = 'GET /api/v2/work-orders';
const WRITE = 'POST /api/v2/work-orders';

/** A client and a key of one organisation. */
async function createPrincipals(): Promise<{ client: Principal; key: Principal; organizationId: string }> {
  const { id: organizationId } = await durable.organizations.create({
    id: newId('organization'),
    name: 'Acme',
    plan: 'free',
  });
  const { id: apiKeyId } = await durable.apiKeys.create({
    id: newId('apiKey'),
    organizationId,
    environment: 'live',
    name: 'Meter',
    scopes: [],
    digest: Buffer.alloc(32),
    lastFour: 'abcd',
    ipAllowlist: [],
    rateLimit: null,
    createdBy: { type: 'operator', id: 'test' },
    expiresAt: null,
  });
  const common = { organizationId, environment: 'live', scopes: new Set<string>() } as const;
  return {
    organizationId,
    client: { ...common, kind: 'client', credentialId: 'client_1' },
    key: { ...common, kind: 'api_key', credentialId: apiKeyId, apiKeyId },
  };
}

/** The sums that are stored for the organisation. */
async function totalOf(organizationId: string) {
  const [from, to] = [new Date(START - MINUTE), new Date(START + 3_600_000)];
  const query = { organizationId, environment: 'live', from, to, interval: 'day', limit: 10 } as const;
  const [sum] = await durable.usage.list(query);
  return { requests: sum?.requests ?? 0, errors: sum?.errors ?? 0 };
}

async function scene({ mostRows = 1_000 } = {}) {
  const { client, key, organizationId } = await createPrincipals();
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger(
    { service: 'test' },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  );
  let at = START;
  let away = false;
  const writes: UsageCount[][] = [];
  const usage: Pick<Usage, 'add'> = {
    async add(counts) {
      writes.push(structuredClone([...counts]));
      if (away) throw new StorageUnavailableError('away');
      await durable.usage.add(counts);
    },
  };
  const touched: string[][] = [];
  const apiKeys: Pick<DurableStorage['apiKeys'], 'touch'> = {
    touch(uses) {
      touched.push(uses.map(({ id }) => id));
      return durable.apiKeys.touch(uses);
    },
  };
  const metering = createMetering({ durable: { usage, apiKeys }, logger, mostRows, now: () => at });
  return {
    metering,
    client,
    key,
    writes,
    touched,
    lines,
    pass: (ms: number) => {
      at += ms;
    },
    setAway: (value: boolean) => {
      away = value;
    },
    total: () => totalOf(organizationId),
    lastUse: async () => (await durable.apiKeys.find(key.credentialId))?.lastUsedAt?.getTime(),
  };
}

describe('what is counted', () => {
  test('adds up by credential, route, class of status and minute', async () => {
    const { metering, client, key, writes, pass, total } = await scene();
    for (const status of [200, 201, 204, 302, 404, 422, 503]) metering.count(client, READ, status);
    metering.count(client, WRITE, 201);
    metering.count(key, READ, 200);
    pass(MINUTE);
    metering.count(key, READ, 429);
    await metering.flush();
    const rows = writes.flat().map(({ credentialType, route, statusClass, minute, requests }) => {
      const name = `${credentialType} ${route} ${statusClass}xx +${(minute.getTime() - START) / MINUTE}`;
      return [name, requests];
    });
    expect(Object.fromEntries(rows)).toEqual({
      [`client ${READ} 2xx +0`]: 3,
      [`client ${READ} 3xx +0`]: 1,
      [`client ${READ} 4xx +0`]: 2,
      [`client ${READ} 5xx +0`]: 1,
      [`client ${WRITE} 2xx +0`]: 1,
      [`api_key ${READ} 2xx +0`]: 1,
      [`api_key ${READ} 4xx +1`]: 1,
    });
    expect(writes).toHaveLength(1);
    expect(await total()).toEqual({ requests: 10, errors: 4 });
  });

  test('of a client is one row, however many tokens it used', async () => {
    const { metering, client, writes } = await scene();
    for (let index = 0; index < 30_000; index += 1) metering.count({ ...client }, READ, 200);
    await metering.flush();
    expect(writes.flat().map(({ requests }) => requests)).toEqual([30_000]);
  });

  test('is nothing for a credential without an organisation', async () => {
    const { metering, client, writes } = await scene();
    const { organizationId, ...stranger } = client;
    metering.count(stranger, READ, 200);
    await metering.flush();
    expect(writes).toEqual([]);
  });

  test('is written once more at the end', async () => {
    const { metering, client, total } = await scene();
    metering.count(client, READ, 200);
    await metering.stop();
    expect(await total()).toEqual({ requests: 1, errors: 0 });
  });
});

describe('while PostgreSQL is away', () => {
  test('nothing is lost and nothing counted twice', async () => {
    const { metering, client, total, pass, setAway } = await scene();
    setAway(true);
    for (let index = 0; index < 30; index += 1) {
      metering.count(client, READ, 200);
      pass(10_000);
      await metering.flush();
    }
    expect(await total()).toEqual({ requests: 0, errors: 0 });
    setAway(false);
    await metering.flush();
    expect(await total()).toEqual({ requests: 30, errors: 0 });
    await metering.flush();
    expect(await total()).toEqual({ requests: 30, errors: 0 });
  });

  test('a write that failed is tried again as it was: what came since is in another', async () => {
    const { metering, client, writes, setAway } = await scene();
    setAway(true);
    metering.count(client, READ, 200);
    await metering.flush();
    metering.count(client, READ, 200);
    await metering.flush();
    setAway(false);
    await metering.flush();
    expect(writes.map((rows) => rows.map(({ requests }) => requests))).toEqual([[1], [1], [1], [1]]);
  });

  test('what is counted during a write is in the next', async () => {
    const { metering, client, total } = await scene();
    metering.count(client, READ, 200);
    const first = metering.flush();
    metering.count(client, READ, 200);
    await first;
    await metering.flush();
    expect(await total()).toEqual({ requests: 2, errors: 0 });
  });

  test('too many rows cost the oldest, which is logged once, with how many at the end', async () => {
    const { metering, client, writes, lines, pass, setAway } = await scene({ mostRows: 100 });
    setAway(true);
    metering.count(client, 'first of all', 200);
    await metering.flush();
    for (let index = 0; index < 110; index += 1) {
      if (index === 10) pass(MINUTE);
      metering.count(client, `route ${index}`, 200);
    }
    await metering.flush();
    setAway(false);
    writes.length = 0;
    await metering.flush();
    const routes = writes.flat().map(({ route }) => route);
    expect(routes[0]).toBe('first of all');
    expect(routes).toHaveLength(101);
    expect(routes).not.toContain('route 9');
    expect(routes).toContain('route 10');
    const said = lines.filter(({ level }) => level === 'error');
    expect(said).toEqual([expect.anything(), expect.objectContaining({ rows: 10, requests: 10 })]);
  });

  test('at the end what could not be written is logged as lost', async () => {
    const { metering, client, lines, setAway } = await scene();
    setAway(true);
    metering.count(client, READ, 200);
    await metering.stop();
    expect(lines.at(-1)).toMatchObject({ rows: 1, msg: 'usage not written at the end, lost' });
  });
});

describe('the last use of a key', () => {
  test('is written with the counts, and again a minute later at the earliest', async () => {
    const { metering, key, touched, lastUse, pass } = await scene();
    metering.count(key, READ, 200);
    await metering.flush();
    expect(await lastUse()).toBe(START);
    for (let index = 0; index < 5; index += 1) {
      pass(10_000);
      metering.count(key, READ, 403);
      await metering.flush();
    }
    expect(touched).toHaveLength(1);
    pass(10_000);
    await metering.flush();
    expect(await lastUse()).toBe(START + 50_000);
    expect(touched).toHaveLength(2);
  });

  test('is not lost while PostgreSQL is away', async () => {
    const { metering, key, lastUse, setAway } = await scene();
    setAway(true);
    metering.count(key, READ, 200);
    await metering.flush();
    expect(await lastUse()).toBeUndefined();
    setAway(false);
    await metering.flush();
    expect(await lastUse()).toBe(START);
  });
});
