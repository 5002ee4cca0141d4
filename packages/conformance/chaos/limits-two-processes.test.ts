import { createApiKey, createOperator } from '@latchkey/registry';
import { type DurableStorage, openPostgres, openRedis, type SharedStorage } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type ProcessDeployment, prepareProcesses } from '../harness/process-deployment.ts';
import { PEPPER } from '../harness/secrets.ts';
import { ORGANIZATION } from '../harness/seed.ts';
import type { ServiceProcess } from '../harness/service-process.ts';

const LIMIT = 100;
const REQUESTS = 400;
const WINDOW_MS = 60_000;
/** What is left of a window when the requests begin: all of them must fall into one. */
const ROOM_MS = 20_000;

let deployment: ProcessDeployment;
let stores: { durable: DurableStorage; shared: SharedStorage };
let apis: ServiceProcess[];

beforeAll(async () => {
  deployment = await prepareProcesses(inject('postgresUrl'));
  await deployment.startAuth();
  apis = await Promise.all([deployment.startApi(), deployment.startApi()]);
  stores = {
    durable: openPostgres({ url: deployment.databaseUrl }),
    shared: openRedis({ url: deployment.redis.url }),
  };
});

afterAll(async () => {
  await Promise.all([stores?.durable.close(), stores?.shared.close()]);
  await deployment?.close();
});

async function createLimitedKey(): Promise<string> {
  const operator = createOperator({ durable: stores.durable, feed: stores.shared.feed, name: 'tests' });
  const { key } = await createApiKey(operator, PEPPER, {
    organizationId: ORGANIZATION,
    environment: 'live',
    name: 'Limited',
    scopes: ['work-orders:read'],
    ipAllowlist: [],
    rateLimit: LIMIT,
    expiresAt: null,
  });
  return key;
}

const call = (api: ServiceProcess | undefined, key: string) =>
  fetch(`${api?.url}/api/v2/work-orders`, { headers: { Authorization: `Bearer ${key}` } });

async function untilWindowHasRoom(): Promise<void> {
  const left = WINDOW_MS - (Date.now() % WINDOW_MS);
  if (left < ROOM_MS) await new Promise((resolve) => setTimeout(resolve, left + 100));
}

/** Ten at a time, as a client with a pool of connections does. */
async function callMany(
  choose: (index: number) => ServiceProcess | undefined,
  key: string,
): Promise<Response[]> {
  const answers: Response[] = [];
  let next = 0;
  const worker = async () => {
    while (next < REQUESTS) {
      const response = await call(choose(next++), key);
      await response.arrayBuffer();
      answers.push(response);
    }
  };
  await Promise.all(Array.from({ length: 10 }, worker));
  return answers;
}

const succeeded = (answers: Response[]) => answers.filter(({ status }) => status === 200).length;
const distinct = (answers: Response[], name: string) => [
  ...new Set(answers.map(({ headers }) => headers.get(name))),
];

/** The published way to wait: until the time that X-RateLimit-Reset names, by the client's own clock. */
async function callPatiently(api: ServiceProcess | undefined, key: string, retries = 0): Promise<number> {
  const response = await call(api, key);
  await response.arrayBuffer();
  if (response.status !== 429) return response.status;
  expect(retries, 'the reset time was not the truth').toBeLessThan(20);
  const resetSeconds = Number.parseInt(response.headers.get('X-RateLimit-Reset') ?? '', 10);
  await new Promise((resolve) => setTimeout(resolve, resetSeconds * 1000 - Date.now()));
  return callPatiently(api, key, retries + 1);
}

describe('one key, limited to 100 a minute, at two API processes', { timeout: 150_000 }, () => {
  test('has at most 100 of 400 requests answered, and the refusals tell the truth', async () => {
    const key = await createLimitedKey();
    await untilWindowHasRoom();
    const answers = await callMany((index) => apis[index % apis.length], key);
    expect(succeeded(answers)).toBeLessThanOrEqual(LIMIT);
    expect(succeeded(answers)).toBeGreaterThan(LIMIT * 0.8);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
    expect(distinct(answers, 'X-RateLimit-Limit')).toEqual([String(LIMIT)]);
    expect(distinct(answers, 'X-RateLimit-Reset'), 'both processes name the same end').toHaveLength(1);
    const refused = answers.filter(({ status }) => status === 429);
    expect(distinct(refused, 'X-RateLimit-Remaining')).toEqual(['0']);
    for (const { headers } of refused) {
      const seconds = Number(headers.get('Retry-After'));
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(WINDOW_MS / 1000);
    }
  });

  test('has at least 98 answered when one client uses one process, and is answered again when it waited', async () => {
    const key = await createLimitedKey();
    await untilWindowHasRoom();
    const count = succeeded(await callMany(() => apis[0], key));
    expect(count).toBeLessThanOrEqual(LIMIT);
    expect(count).toBeGreaterThanOrEqual(98);
    expect((await call(apis[0], key)).status).toBe(429);
    expect(await callPatiently(apis[0], key)).toBe(200);
  });
});
