import { openPostgres } from '@latchkey/storage';
import { Client as PostgresClient } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  createDatabase,
  startRedis,
  type TestDatabase,
  type TestServer,
} from '../../../infra/test/servers.ts';
import { authorize } from '../harness/person.ts';
import { PEPPER, SECRETS_ENV } from '../harness/secrets.ts';
import { CALLBACK, type Seed, seed } from '../harness/seed.ts';
import { freePort, type ServiceProcess, startService } from '../harness/service-process.ts';
import { createUserAgent } from '../harness/user-agent.ts';

const CHAINS = 100;
/** Answers that arrive before the process is killed: some chains are acknowledged, most are in flight. */
const ACKNOWLEDGED_BEFORE_KILL = 15;

let database: TestDatabase;
let redis: TestServer;
let auth: ServiceProcess;
let seeded: Seed;
let start: () => Promise<ServiceProcess>;

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  redis = await startRedis();
  const durable = await openPostgres({ url: database.url });
  await durable.migrate();
  seeded = await seed(durable, { pepper: PEPPER, audience: 'https://api.acme.example' });
  await durable.close();
  const port = await freePort();
  const env = {
    ...SECRETS_ENV,
    ISSUER: `http://127.0.0.1:${port}`,
    PORT: String(port),
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    LOG_LEVEL: 'error',
  };
  start = () => startService('auth', env);
  auth = await start();
});

afterAll(async () => {
  await auth?.kill();
  await redis?.stop();
  await database?.drop();
});

async function token(parameters: Record<string, string>): Promise<{ status: number; refreshToken: string }> {
  const { client_id, client_secret } = seeded.clients.published;
  const response = await fetch(`${auth.url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
    body: new URLSearchParams(parameters),
  });
  const body = (await response.json()) as { refresh_token: string };
  return { status: response.status, refreshToken: body.refresh_token };
}

const refresh = (refreshToken: string) => token({ grant_type: 'refresh_token', refresh_token: refreshToken });

/** Signs in once; every further authorization request is a chain of its own. */
async function startChains(): Promise<string[]> {
  const agent = createUserAgent(auth.url);
  const url = new URL(`${auth.url}/oauth/authorize`);
  const parameters = {
    client_id: seeded.clients.published.client_id,
    response_type: 'code',
    redirect_uri: CALLBACK,
  };
  url.search = new URLSearchParams({ ...parameters, scope: 'work-orders:read' }).toString();
  const chains: string[] = [];
  while (chains.length < CHAINS) {
    const callback = await authorize(agent, url, seeded.people.developer);
    const code = callback.searchParams.get('code') ?? '';
    const issued = await token({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK });
    expect(issued.status).toBe(200);
    chains.push(issued.refreshToken);
  }
  return chains;
}

/** Live refresh tokens of each grant: unused and not past their expiry. */
async function liveTokensByGrant(): Promise<number[]> {
  const client = new PostgresClient({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query<{ live: string }>(
    `select count(*) filter (where consumed_at is null and expires_at > now()) as live
     from refresh_tokens group by grant_id`,
  );
  await client.end();
  return rows.map(({ live }) => Number(live));
}

describe('kill -9 in the middle of 100 parallel refreshes', () => {
  test('every chain continues, none has two live successors, nothing acknowledged is lost', async () => {
    const chains = await startChains();
    const acknowledged = new Map<string, string>();
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const inFlight = chains.map(async (refreshToken) => {
      const answer = await refresh(refreshToken).catch(() => undefined);
      if (answer?.status !== 200) return;
      acknowledged.set(refreshToken, answer.refreshToken);
      if (acknowledged.size === ACKNOWLEDGED_BEFORE_KILL) resolve();
    });
    await enough;
    await auth.kill();
    await Promise.all(inFlight);
    expect(acknowledged.size).toBeLessThan(CHAINS);

    auth = await start();
    const continued = await Promise.all(
      chains.map((refreshToken) => refresh(acknowledged.get(refreshToken) ?? refreshToken)),
    );
    expect(continued.map(({ status }) => status)).toEqual(chains.map(() => 200));
    expect(new Set(continued.map((answer) => answer.refreshToken)).size).toBe(CHAINS);
    expect(await liveTokensByGrant()).toEqual(chains.map(() => 1));
  });
});
