import { createOperator } from '@latchkey/registry';
import { type DurableStorage, openPostgres, openRedis, type SharedStorage } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createEndings } from '../harness/endings.ts';
import { type ProcessDeployment, prepareProcesses } from '../harness/process-deployment.ts';
import type { ServiceProcess } from '../harness/service-process.ts';

let deployment: ProcessDeployment;
let stores: { durable: DurableStorage; shared: SharedStorage };
let apis: ServiceProcess[];
let endings: ReturnType<typeof createEndings>;

beforeAll(async () => {
  deployment = await prepareProcesses(inject('postgresUrl'));
  await deployment.startAuth();
  apis = await Promise.all([deployment.startApi(), deployment.startApi()]);
  stores = {
    durable: openPostgres({ url: deployment.databaseUrl }),
    shared: openRedis({ url: deployment.redis.url }),
  };
  const operator = createOperator({ durable: stores.durable, feed: stores.shared.feed, name: 'tests' });
  endings = createEndings(deployment, operator);
});

afterAll(async () => {
  await Promise.all([stores?.durable.close(), stores?.shared.close()]);
  await deployment?.close();
});

async function statuses(bearer: string): Promise<number[]> {
  const headers = { Authorization: `Bearer ${bearer}` };
  const answers = await Promise.all(apis.map(({ url }) => fetch(`${url}/api/v2/work-orders`, { headers })));
  await Promise.all(answers.map((answer) => answer.arrayBuffer()));
  return answers.map(({ status }) => status);
}

/** Generous, since nothing timed may fail on a busy machine; the benchmark holds it to a second. */
const poll = { timeout: 10_000, interval: 20 };

describe('two API processes refuse what was ended', () => {
  test.each([
    'an API key',
    'an API key by its holder',
    'a token',
    'a grant',
    'a client',
    'a member',
    'an account',
    'an organization, by token',
    'an organization, by API key',
  ])('%s', async (name) => {
    const { bearer, end } = (await endings[name]?.()) ?? expect.unreachable(name);
    expect(await statuses(bearer)).toEqual([200, 200]);
    await end();
    await expect.poll(() => statuses(bearer), poll).toEqual([401, 401]);
  });

  test('all of them, when they ended while the API processes had lost Redis', async () => {
    const issued = await Promise.all(Object.values(endings).map((issue) => issue()));
    for (const { bearer } of issued) expect(await statuses(bearer)).toEqual([200, 200]);
    await deployment.redis.kill();
    await deployment.redis.restart();
    for (const { end } of issued)
      await expect
        .poll(
          () =>
            end().then(
              () => true,
              () => false,
            ),
          poll,
        )
        .toBe(true);
    for (const { bearer } of issued) {
      await expect.poll(() => statuses(bearer), { ...poll, timeout: 20_000 }).toEqual([401, 401]);
    }
  });
});
