import type { Tenant } from '@latchkey/storage';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startApi, type TestApi } from './harness.ts';

const PATH = '/api/v2/organization';

let api: TestApi;
let tenant: Tenant;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  tenant = await api.tenant();
});

const patch = (body: object, options: Parameters<TestApi['call']>[2] = {}) =>
  api.call('PATCH', PATH, { tenant, body, ...options });

test('shows what is set, and the limit that counts', async () => {
  expect((await api.call('GET', PATH, { tenant })).body).toEqual({
    id: tenant.organizationId,
    name: 'Acme',
    plan: 'free',
    rate_limit: 1000,
    ip_allowlist: [],
    leaked_key_policy: 'revoke',
    created_at: expect.any(String),
    updated_at: expect.any(String),
  });
  await api.durable.organizations.update(tenant.organizationId, { plan: 'enterprise', rateLimit: 5 });
  expect((await api.call('GET', PATH, { tenant })).body).toMatchObject({ plan: 'enterprise', rate_limit: 5 });
});

test('is changed in what is named alone, and the audit log says by whom', async () => {
  const changed = await patch({ name: 'Acme Works', leaked_key_policy: 'notify' });
  expect([changed.status, changed.body]).toMatchObject([
    200,
    { name: 'Acme Works', leaked_key_policy: 'notify', ip_allowlist: [] },
  ]);
  const { organizationId } = tenant;
  const [event] = await api.durable.auditEvents.list({ organizationId, limit: 1 });
  expect(event).toMatchObject({
    action: 'organization.updated',
    actor: { type: 'client', id: 'client_test' },
    details: { changed: ['name', 'leaked_key_policy'] },
  });
});

test.each([
  [{ plan: 'enterprise' }, 'plan'],
  [{ rate_limit: 1_000_000 }, 'rate_limit'],
  [{ ip_allowlist: ['anywhere'] }, 'ip_allowlist[0]'],
  [{ leaked_key_policy: 'ignore' }, 'leaked_key_policy'],
  [{ name: ' ' }, 'name'],
  [{ allow_lockout: 'yes' }, 'allow_lockout'],
])('%j is a 422 that names %s', async (body, field) => {
  const answer = await patch(body);
  expect([answer.status, answer.body.fields?.[0].field]).toEqual([422, field]);
});

test('an allowlist that leaves out the caller is a 409, unless that is meant, and then it holds at once', async () => {
  const headers = { 'x-forwarded-for': '203.0.113.9' };
  const refused = await patch({ ip_allowlist: ['198.51.100.0/24'] }, { headers });
  expect([refused.status, refused.body.error]).toEqual([409, 'conflict']);
  expect(refused.body.error_description).toContain('203.0.113.9');
  expect((await patch({ ip_allowlist: ['203.0.113.0/24'] }, { headers })).status).toBe(200);
  const meant = { ip_allowlist: ['198.51.100.0/24'], allow_lockout: true };
  expect((await patch(meant, { headers })).status).toBe(200);
  await expect.poll(async () => (await api.call('GET', PATH, { tenant, headers })).status).toBe(403);
  const inside = { 'x-forwarded-for': '198.51.100.7' };
  expect((await patch({ ip_allowlist: [] }, { headers: inside })).status).toBe(200);
});

test('a test credential reads it and does not change it', async () => {
  const trial: Tenant = { ...tenant, environment: 'test' };
  expect((await api.call('GET', PATH, { tenant: trial })).body.id).toBe(tenant.organizationId);
  const refused = await patch({ name: 'Mine' }, { tenant: trial });
  expect([refused.status, refused.body.error]).toEqual([403, 'forbidden']);
});
