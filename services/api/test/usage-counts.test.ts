import { revokeApiKey } from '@latchkey/registry';
import { openMemory, type Tenant, type UsageGroup } from '@latchkey/storage';
import { expect, onTestFinished, test } from 'vitest';
import { startApi, type TestApi } from './harness.ts';

const ORDERS = '/api/v2/work-orders';

/** Requests of the last hour, by group. */
async function sum({ durable }: TestApi, tenant: Tenant, groupBy: UsageGroup) {
  const now = Date.now();
  const rows = await durable.usage.list({
    ...tenant,
    from: new Date(now - 3_600_000),
    to: new Date(now + 60_000),
    interval: 'day',
    groupBy,
    limit: 20,
  });
  const sums: Record<string, number> = {};
  for (const { group, requests } of rows) sums[group ?? ''] = (sums[group ?? ''] ?? 0) + requests;
  return sums;
}

test('every answer to a known credential is counted, refusals too, by route and class of status', async () => {
  const still = new Date(Date.UTC(2026, 4, 1, 12, 0, 30));
  const api = await startApi({ shared: openMemory({ now: () => still }) });
  const tenant = await api.tenant();
  const { key, apiKey } = await api.createKey(tenant, {
    scopes: ['work-orders:read', 'work-orders:write'],
    rateLimit: 8,
    ipAllowlist: ['203.0.113.9'],
  });
  const token = await api.issuer.sign({ org_id: tenant.organizationId, env: 'live' });
  const headers = { 'x-forwarded-for': '203.0.113.9' };
  const call = (method: string, path: string, options: object = {}) =>
    api.call(method, path, { token: key, headers, ...options });
  const order = { number: '1', product: 'Pump', quantity: 1 };
  const statuses = [
    await call('GET', ORDERS),
    await call('HEAD', ORDERS),
    await call('POST', ORDERS, { body: order }),
    await call('POST', ORDERS, { body: order }),
    await call('POST', ORDERS, { body: {} }),
    await call('GET', `${ORDERS}/wo_nobody`),
    await call('GET', '/api/v2/operations'),
    await call('GET', ORDERS),
    await call('GET', ORDERS),
    await call('GET', ORDERS, { headers: { 'x-forwarded-for': '198.51.100.7' } }),
    await call('GET', ORDERS, { token }),
    // Nobody is known here, so nobody's use is counted.
    await call('GET', ORDERS, { token: 'not-a-token' }),
    await call('GET', '/api/v2/nothing'),
  ].map(({ status }) => status);
  expect(statuses).toEqual([200, 200, 201, 409, 422, 404, 403, 200, 429, 403, 200, 401, 404]);
  await revokeApiKey(api.operator, apiKey.id);
  expect((await call('GET', ORDERS)).status).toBe(401);

  await api.api.stop();
  onTestFinished(() => api.close());
  const list = (groupBy: UsageGroup) => sum(api, tenant, groupBy);
  expect(await list('api_key')).toEqual({ [apiKey.id]: 10 });
  expect(await list('application')).toEqual({ client_test: 1 });
  expect(await list('status')).toEqual({ '2xx': 5, '4xx': 6 });
  expect(await list('route')).toEqual({
    'GET /api/v2/work-orders': 6,
    'POST /api/v2/work-orders': 3,
    'GET /api/v2/work-orders/:id': 1,
    'GET /api/v2/operations': 1,
  });
  const stored = await api.durable.apiKeys.find(apiKey.id);
  expect(Math.abs(Date.now() - (stored?.lastUsedAt?.getTime() ?? 0))).toBeLessThan(60_000);
});
