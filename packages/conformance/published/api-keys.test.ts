import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DATA_SCOPES, parseApiKey } from '@latchkey/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningApi, startApi } from '../harness/api.ts';
import { obtainClientToken } from '../harness/flow.ts';
import { useDeployment } from '../harness/use-deployment.ts';

/**
 * Client code of the form in which integrators were taught to write it: a key as a bearer token from curl and fetch, a
 * JSON body whose type nobody names. And what they were promised of keys.
 */
const deployment = useDeployment();
const run = promisify(execFile);
let api: RunningApi;
let token: string;
beforeAll(async () => {
  api = await startApi(deployment);
  token = await obtainClientToken(
    deployment,
    { scope: 'api-keys:read api-keys:write work-orders:read work-orders:write inventory:read' },
    deployment.clients.manager,
  );
});
afterAll(() => api?.close());

interface Created {
  id: string;
  key: string;
  [member: string]: unknown;
}

const bearer = (credential: string) => ({ Authorization: `Bearer ${credential}` });

async function createKey(members: Record<string, unknown> = {}, creator = token): Promise<Created> {
  const response = await fetch(`${api.url}/api/v2/api-keys`, {
    method: 'POST',
    headers: bearer(creator),
    body: JSON.stringify({ name: 'ERP Integration', ...members }),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as Created;
}

const call = (key: string, path = '/api/v2/work-orders') => fetch(api.url + path, { headers: bearer(key) });

describe('an API key, as the published guides use it', () => {
  test('is made by fetch with a JSON text and no content type, and has the scopes asked for', async () => {
    const { key, scopes } = await createKey({
      scopes: ['work-orders:read', 'work-orders:write', 'inventory:read'],
    });
    expect(scopes).toEqual(['work-orders:read', 'work-orders:write', 'inventory:read']);
    expect((await call(key)).status).toBe(200);
    expect((await call(key, '/api/v2/inventory/items')).status).toBe(200);
    expect((await call(key, '/api/v2/quality/inspections')).status).toBe(403);
  });

  test('is taken from curl', async () => {
    const { key } = await createKey();
    const { stdout } = await run('curl', [
      '-s',
      '-H',
      `Authorization: Bearer ${key}`,
      `${api.url}/api/v2/work-orders`,
    ]);
    expect(JSON.parse(stdout)).toEqual({ data: [], next_cursor: null });
  });

  test('tells how many requests are left', async () => {
    const { headers } = await call((await createKey()).key);
    const number = (name: string) => Number(headers.get(name));
    expect(number('X-RateLimit-Limit')).toBe(10_000);
    expect(number('X-RateLimit-Remaining')).toBeLessThan(10_000);
    expect(number('X-RateLimit-Reset') * 1000).toBeGreaterThan(Date.now() - 1_000);
    expect(number('X-RateLimit-Reset') * 1000).toBeLessThan(Date.now() + 61_000);
  });

  test('has the ten published scopes when none are named, as far as its maker holds them', async () => {
    const all = await obtainClientToken(
      deployment,
      { scope: `api-keys:write ${Object.keys(DATA_SCOPES).join(' ')}` },
      deployment.clients.manager,
    );
    expect((await createKey({}, all)).scopes).toHaveLength(10);
    expect((await createKey()).scopes).toEqual(['work-orders:read', 'work-orders:write', 'inventory:read']);
  });
});

describe('what is promised of keys', () => {
  test('a key never expires by itself, several are active at once, and one is revoked at once', async () => {
    const [first, second] = [await createKey(), await createKey()];
    expect(first.expires_at).toBeNull();
    expect([(await call(first.key)).status, (await call(second.key)).status]).toEqual([200, 200]);
    const revoked = await fetch(`${api.url}/api/v2/api-keys/${first.id}/revoke`, {
      method: 'POST',
      headers: bearer(token),
    });
    expect(revoked.ok).toBe(true);
    expect([(await call(first.key)).status, (await call(second.key)).status]).toEqual([401, 200]);
  });

  test('a new key is got without losing the old one', async () => {
    const old = await createKey();
    const response = await fetch(`${api.url}/api/v2/api-keys/${old.id}/rotate`, {
      method: 'POST',
      headers: bearer(token),
    });
    const successor = (await response.json()) as Created;
    expect(successor.key).not.toBe(old.key);
    expect([(await call(old.key)).status, (await call(successor.key)).status]).toEqual([200, 200]);
  });

  test('the identifier finds the record, and the secret is nowhere in it', async () => {
    const { key, id } = await createKey();
    const parsed = parseApiKey(key);
    expect(parsed?.id).toBe(id);
    const record = await deployment.durable.apiKeys.find(id);
    expect(JSON.stringify(record)).not.toContain(parsed?.secret);
    expect(record?.digest).toHaveLength(32);
  });

  test('the prefix tells test from live, and each sees its own data alone', async () => {
    const [live, trial] = [await createKey(), await createKey({ environment: 'test' })];
    expect([live.key.slice(0, 8), trial.key.slice(0, 8)]).toEqual(['sk_live_', 'sk_test_']);
    const made = await fetch(`${api.url}/api/v2/work-orders`, {
      method: 'POST',
      headers: bearer(trial.key),
      body: JSON.stringify({ number: 'T-1', product: 'Trial run', quantity: 1 }),
    });
    const { id } = (await made.json()) as Created;
    expect((await call(trial.key, `/api/v2/work-orders/${id}`)).status).toBe(200);
    expect((await call(live.key, `/api/v2/work-orders/${id}`)).status).toBe(404);
  });

  test.each(['?api_key=', '?access_token=', '/', '?q='])(
    'a key in the URL (%s) is refused, with the reason',
    async (where) => {
      const { key } = await createKey();
      const response = await fetch(`${api.url}/api/v2/work-orders${where}${key}`, { headers: bearer(key) });
      expect(response.status).toBe(400);
      const { error, error_description } = (await response.json()) as Record<string, string>;
      expect(error).toBe('invalid_request');
      expect(error_description).toMatch(/URL/);
    },
  );

  test('a key that is used up is answered with 429 and when to come back', async () => {
    const { key } = await createKey({ rate_limit: 3 });
    const answers = await Promise.all(Array.from({ length: 8 }, () => call(key)));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(6);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers.get('X-RateLimit-Limit')).toBe('3');
    expect(refused?.headers.get('X-RateLimit-Remaining')).toBe('0');
    expect(Number(refused?.headers.get('Retry-After'))).toBeGreaterThan(0);
  });
});
