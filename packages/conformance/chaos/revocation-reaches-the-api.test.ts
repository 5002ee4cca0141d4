import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type ProcessDeployment, prepareProcesses } from '../harness/process-deployment.ts';
import type { ServiceProcess } from '../harness/service-process.ts';

let deployment: ProcessDeployment;
let apis: ServiceProcess[];

beforeAll(async () => {
  deployment = await prepareProcesses(inject('postgresUrl'));
  await deployment.startAuth();
  apis = await Promise.all([deployment.startApi(), deployment.startApi()]);
});

afterAll(() => deployment?.close());

function post(path: string, parameters: Record<string, string>): Promise<Response> {
  const { client_id, client_secret } = deployment.clients.machine;
  return fetch(`${deployment.issuer}${path}`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
    body: new URLSearchParams(parameters),
  });
}

async function issueToken(): Promise<string> {
  const response = await post('/oauth/token', {
    grant_type: 'client_credentials',
    scope: 'work-orders:read',
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

async function call(api: ServiceProcess, token: string): Promise<{ status: number; words: string }> {
  const response = await fetch(`${api.url}/api/v2/work-orders`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const body = (await response.json()) as { error_description?: string };
  return { status: response.status, words: body.error_description ?? '' };
}

const statuses = (token: string) => Promise.all(apis.map(async (api) => (await call(api, token)).status));

describe('a revoked JWT', () => {
  test('is dead at introspection at once, and at every API process without a restart', async () => {
    const [revoked = '', other = ''] = [await issueToken(), await issueToken()];
    expect(await statuses(revoked)).toEqual([200, 200]);
    expect((await post('/oauth/revoke', { token: revoked })).status).toBe(200);
    expect(await (await post('/oauth/introspect', { token: revoked })).json()).toEqual({ active: false });
    await expect.poll(() => statuses(revoked), { timeout: 5000, interval: 20 }).toEqual([401, 401]);
    expect(await statuses(other)).toEqual([200, 200]);
  });

  test('is refused by an API process that starts after the revocation', async () => {
    const token = await issueToken();
    await post('/oauth/revoke', { token });
    const late = await deployment.startApi();
    expect((await call(late, token)).status).toBe(401);
  });

  test('is refused once Redis is back, when it was revoked while the API could not hear of it', async () => {
    const token = await issueToken();
    expect(await statuses(token)).toEqual([200, 200]);
    await deployment.redis.kill();
    expect(await statuses(token), 'the API goes on without Redis').toEqual([200, 200]);
    await deployment.redis.restart();
    await expect
      .poll(async () => (await post('/oauth/revoke', { token })).status, { timeout: 10_000 })
      .toBe(200);
    await expect.poll(() => statuses(token), { timeout: 10_000 }).toEqual([401, 401]);
  });
});
