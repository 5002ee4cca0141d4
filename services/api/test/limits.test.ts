import { openMemory, openRedis, type SharedStorage } from '@latchkey/storage';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startRedis } from '../../../infra/test/servers.ts';
import { startApi, type TestApi } from './harness.ts';

const ORDERS = '/api/v2/work-orders';
const WINDOW_START = Date.UTC(2026, 4, 1, 12, 0, 0);

/** Stores whose clock stands at the start of a window, so that none ends during a test. */
const stillStores = () => openMemory({ now: () => new Date(WINDOW_START) });

async function start(shared: SharedStorage = stillStores()): Promise<TestApi> {
  const api = await startApi({ shared });
  onTestFinished(() => api.close());
  return api;
}

const standing = ({ headers }: { headers: Headers }) => [
  Number(headers.get('x-ratelimit-limit')),
  Number(headers.get('x-ratelimit-remaining')),
];

describe('a client learns where it stands', () => {
  test('on every answer after its requests are counted, whatever the answer is', async () => {
    const api = await start();
    const { key } = await api.createKey(await api.tenant(), {
      scopes: ['work-orders:read', 'work-orders:write'],
      rateLimit: 6,
    });
    const call = (method: string, path: string, body?: object) =>
      api.call(method, path, { token: key, ...(body ? { body } : {}) });
    const answers = [
      await call('GET', ORDERS),
      await call('GET', '/api/v2/operations'),
      await call('GET', `${ORDERS}/wo_nobody`),
      await call('POST', ORDERS, { number: '' }),
      await call('GET', `${ORDERS}?limit=x`),
      await call('POST', ORDERS, { number: '1', product: 'Pump', quantity: 1 }),
      await call('GET', ORDERS),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 403, 404, 422, 400, 201, 429]);
    expect(answers.map(standing)).toEqual([
      [6, 5],
      [6, 4],
      [6, 3],
      [6, 2],
      [6, 1],
      [6, 0],
      [6, 0],
    ]);
    for (const { headers } of answers) {
      expect(headers.get('ratelimit-policy')).toBe('"organization";q=1000;w=60, "api_key";q=6;w=60');
      expect(headers.get('ratelimit')).toMatch(/^"organization";r=\d+;t=\d+, "api_key";r=[0-6];t=\d+$/);
      expect(Number(headers.get('x-ratelimit-reset'))).toBe((WINDOW_START + 60_000) / 1000);
    }
    const [refused] = answers.slice(-1);
    expect(refused?.body).toMatchObject({ error: 'too_many_requests', request_id: expect.any(String) });
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  });

  test('in a browser too', async () => {
    const api = await start();
    const { headers } = await api.call('GET', ORDERS);
    const exposed = headers.get('access-control-expose-headers');
    for (const name of ['X-RateLimit-Remaining', 'RateLimit', 'RateLimit-Policy', 'Retry-After']) {
      expect(exposed).toContain(name);
    }
  });

  test('not on what is refused before anybody is known', async () => {
    const api = await start();
    const { status, headers } = await api.call('GET', ORDERS, { token: 'not-a-token' });
    expect([status, headers.get('x-ratelimit-limit')]).toEqual([401, null]);
  });
});

describe('what an organisation may use', () => {
  test('is over all its credentials, keys of both environments and tokens', async () => {
    const api = await start();
    const tenant = await api.tenant();
    await api.durable.organizations.update(tenant.organizationId, { rateLimit: 3 });
    await api.operator.announce({ type: 'organization', id: tenant.organizationId });
    const { key: live } = await api.createKey(tenant);
    const { key: trial } = await api.createKey({ ...tenant, environment: 'test' });
    const token = await api.issuer.sign({ org_id: tenant.organizationId, env: 'live' });
    const statuses: number[] = [];
    for (const credential of [live, trial, token, live, trial, token]) {
      statuses.push((await api.call('GET', ORDERS, { token: credential })).status);
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429, 429]);
  });

  test('is what its plan gives, and more from the moment its plan says more', async () => {
    const api = await start();
    const tenant = await api.tenant();
    const { key } = await api.createKey(tenant);
    const limit = async () => standing(await api.call('GET', ORDERS, { token: key }))[0];
    expect(await limit()).toBe(1_000);
    await api.durable.organizations.update(tenant.organizationId, { plan: 'professional' });
    await api.operator.announce({ type: 'organization', id: tenant.organizationId });
    expect(await limit()).toBe(10_000);
  });
});

test('with Redis away a key is still limited, by this process alone, and still let in', async () => {
  const redis = await startRedis();
  const api = await start(openRedis({ url: redis.url }));
  const { key } = await api.createKey(await api.tenant(), { rateLimit: 20 });
  const call = async () => (await api.call('GET', ORDERS, { token: key })).status;
  expect([await call(), await call()]).toEqual([200, 200]);
  await redis.stop();
  const statuses = await Promise.all(Array.from({ length: 60 }, call));
  const allowed = statuses.filter((status) => status === 200).length;
  const refused = statuses.filter((status) => status === 429).length;
  expect(allowed + refused).toBe(60);
  expect(allowed).toBeGreaterThan(0);
  // Twice the limit where a window ends meanwhile.
  expect(allowed).toBeLessThanOrEqual(40);
});
