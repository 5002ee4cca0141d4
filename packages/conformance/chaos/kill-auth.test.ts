import { Client as PostgresClient } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { authorize } from '../harness/person.ts';
import { type ProcessDeployment, prepareProcesses } from '../harness/process-deployment.ts';
import { CALLBACK } from '../harness/seed.ts';
import type { ServiceProcess } from '../harness/service-process.ts';
import { createUserAgent } from '../harness/user-agent.ts';

const CHAINS = 100;
/** Answers that arrive before the process is killed: some chains are acknowledged, most are in flight. */
const ACKNOWLEDGED_BEFORE_KILL = 15;

let deployment: ProcessDeployment;
let auth: ServiceProcess;
let chains: string[];

beforeAll(async () => {
  deployment = await prepareProcesses(inject('postgresUrl'));
  auth = await deployment.startAuth();
  chains = await startChains();
}, 120_000);

afterAll(() => deployment?.close());

async function token(parameters: Record<string, string>): Promise<{ status: number; refreshToken: string }> {
  const { client_id, client_secret } = deployment.clients.published;
  const response = await fetch(`${deployment.issuer}/oauth/token`, {
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
  const agent = createUserAgent(deployment.issuer);
  const url = new URL(`${deployment.issuer}/oauth/authorize`);
  const parameters = {
    client_id: deployment.clients.published.client_id,
    response_type: 'code',
    redirect_uri: CALLBACK,
  };
  url.search = new URLSearchParams({ ...parameters, scope: 'work-orders:read' }).toString();
  const started: string[] = [];
  while (started.length < CHAINS) {
    const callback = await authorize(agent, url, deployment.people.developer);
    const code = callback.searchParams.get('code') ?? '';
    const issued = await token({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK });
    expect(issued.status).toBe(200);
    started.push(issued.refreshToken);
  }
  return started;
}

/** Live refresh tokens of each grant: unused and not past their expiry. */
async function liveTokensByGrant(): Promise<number[]> {
  const client = new PostgresClient({ connectionString: deployment.databaseUrl });
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

    auth = await deployment.startAuth();
    const continued = await Promise.all(
      chains.map((refreshToken) => refresh(acknowledged.get(refreshToken) ?? refreshToken)),
    );
    expect(continued.map(({ status }) => status)).toEqual(chains.map(() => 200));
    expect(new Set(continued.map((answer) => answer.refreshToken)).size).toBe(CHAINS);
    expect(await liveTokensByGrant()).toEqual(chains.map(() => 1));
  });
});
