import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openPostgres } from '@latchkey/storage';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../infra/test/servers.ts';
import { PEPPER } from './harness.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
});
afterAll(() => database.drop());

function start(): ChildProcess {
  return spawn(process.execPath, [MAIN], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      API_ORIGIN: 'http://127.0.0.1:3001',
      ISSUER: 'http://127.0.0.1:3000',
      PEPPER: PEPPER.toString('hex'),
      DATABASE_URL: database.url,
      REDIS_URL: inject('redisUrl'),
      HOST: '127.0.0.1',
      PORT: '0',
      METRICS_PORT: '0',
      DRAIN_SECONDS: '1',
    },
  });
}

async function portOf(child: ChildProcess): Promise<number> {
  if (!child.stdout) throw new Error('no output');
  for await (const line of createInterface(child.stdout)) {
    const { msg, port } = JSON.parse(line);
    if (msg === 'listening') return port;
  }
  throw new Error('it ended without listening');
}

test('on a schema that lacks migrations the process does not start, and says what to do', async () => {
  const child = start();
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(1);
  expect(said).toContain('run "latchkey migrate"');
});

test('the process serves, says that it is leaving when told to stop, and leaves cleanly', async () => {
  const storage = openPostgres({ url: database.url });
  await storage.migrate();
  await storage.close();
  const child = start();
  const exit = once(child, 'exit');
  const url = `http://127.0.0.1:${await portOf(child)}`;
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  expect((await fetch(`${url}/api/v2/work-orders`)).status).toBe(401);
  child.kill('SIGTERM');
  await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { interval: 20 }).toBe(503);
  expect((await fetch(`${url}/api/v2/work-orders`)).status).toBe(401);
  expect(await exit).toEqual([0, null]);
});
