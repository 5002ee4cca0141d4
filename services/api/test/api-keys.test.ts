import { DATA_SCOPES, parseApiKey } from '@latchkey/protocol';
import { reportLeakedApiKey } from '@latchkey/registry';
import type { Tenant } from '@latchkey/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ALL_SCOPES, ORIGIN, startApi, type TestApi } from './harness.ts';

const KEYS = '/api/v2/api-keys';

let api: TestApi;
let tenant: Tenant;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  tenant = await api.tenant();
});

const create = (body: object = {}, options: Parameters<TestApi['call']>[2] = {}) =>
  api.call('POST', KEYS, { tenant, body: { name: 'ERP integration', ...body }, ...options });
const inOneHour = () => new Date(Date.now() + 3_600_000).toISOString();

describe('a key', () => {
  test('is shown once, works, and is listed with everything but its secret', async () => {
    const created = await create({
      scopes: ['work-orders:read'],
      ip_allowlist: ['127.0.0.0/8', '2001:db8::/32'],
      rate_limit: 50,
      expires_at: '2031-12-31T23:59:59Z',
    });
    expect(created.status).toBe(201);
    const { key, ...record } = created.body;
    const parsed = parseApiKey(key);
    expect(record).toEqual({
      id: parsed?.id,
      name: 'ERP integration',
      environment: 'live',
      prefix: key.slice(0, 16),
      last_four: key.slice(-4),
      scopes: ['work-orders:read'],
      ip_allowlist: ['127.0.0.0/8', '2001:db8::/32'],
      rate_limit: 50,
      state: 'active',
      created_by: { type: 'client', id: 'client_test' },
      created_at: expect.stringMatching(/Z$/),
      updated_at: record.created_at,
      last_used_at: null,
      expires_at: '2031-12-31T23:59:59.000Z',
      revoked_at: null,
      leaked_at: null,
      successor_id: null,
    });
    expect(created.headers.get('location')).toBe(`${ORIGIN}${KEYS}/${record.id}`);
    expect((await api.call('GET', `${KEYS}/${record.id}`, { tenant })).body).toEqual(record);
    expect((await api.call('GET', KEYS, { tenant })).body).toEqual({ data: [record], next_cursor: null });
    expect((await api.call('GET', '/api/v2/work-orders', { token: key })).status).toBe(200);
  });

  test('without scopes gets the data scopes that its creator holds, and never one over the organization', async () => {
    const { body } = await create();
    const data = ALL_SCOPES.split(' ').filter((scope) => Object.hasOwn(DATA_SCOPES, scope));
    expect(body.scopes.toSorted()).toEqual(data.toSorted());
    const token = await api.issuer.sign({
      org_id: tenant.organizationId,
      scope: 'api-keys:write quality:read',
    });
    expect((await create({}, { token })).body.scopes).toEqual(['quality:read']);
  });

  test('as published client code asks for it: JSON that fetch calls text', async () => {
    const token = await api.issuer.sign({ org_id: tenant.organizationId, env: 'live' });
    const response = await fetch(`${api.url}${KEYS}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'x-forwarded-proto': 'https' },
      body: JSON.stringify({
        name: 'ERP Integration',
        scopes: ['work-orders:read', 'work-orders:write', 'inventory:read'],
      }),
    });
    expect(response.status).toBe(201);
    expect(parseApiKey(((await response.json()) as { key: string }).key)).toBeDefined();
  });

  test('that was revoked stays revoked: again is no fault, changes and rotation are a 409', async () => {
    const { body } = await create();
    const path = `${KEYS}/${body.id}`;
    for (const sent of [undefined, '', '{}']) {
      const revoked = await api.call('POST', `${path}/revoke`, {
        tenant,
        ...(sent === undefined ? {} : { body: sent }),
      });
      expect([sent, revoked.status, revoked.body.state]).toEqual([sent, 200, 'revoked']);
    }
    for (const [method, tail] of [
      ['PATCH', ''],
      ['POST', '/rotate'],
    ] as const) {
      const answer = await api.call(method, path + tail, { tenant, body: {} });
      expect([method, answer.status, answer.body.error]).toEqual([method, 409, 'conflict']);
    }
    expect((await api.call('GET', '/api/v2/work-orders', { token: body.key })).status).toBe(401);
    expect((await api.call('GET', path, { tenant })).body.revoked_at).toMatch(/Z$/);
  });

  test('that is deleted ends at once and is gone', async () => {
    const { body } = await create();
    const path = `${KEYS}/${body.id}`;
    expect((await api.call('GET', '/api/v2/work-orders', { token: body.key })).status).toBe(200);
    const deleted = await api.call('DELETE', path, { tenant });
    expect([deleted.status, deleted.body]).toEqual([204, '']);
    expect((await api.call('GET', '/api/v2/work-orders', { token: body.key })).status).toBe(401);
    expect((await api.call('DELETE', path, { tenant })).status).toBe(404);
  });

  test('is rotated with an overlap: both work, the old one ends, and each names what it is', async () => {
    const { body: old } = await create({ scopes: ['work-orders:read'], rate_limit: 7 });
    const rotated = await api.call('POST', `${KEYS}/${old.id}/rotate`, { tenant });
    expect(rotated.status).toBe(201);
    expect(rotated.headers.get('location')).toBe(`${ORIGIN}${KEYS}/${rotated.body.id}`);
    expect(rotated.body).toMatchObject({ scopes: ['work-orders:read'], rate_limit: 7, state: 'active' });
    expect(rotated.body.key).not.toBe(old.key);
    const { body: before } = await api.call('GET', `${KEYS}/${old.id}`, { tenant });
    expect(before).toMatchObject({ state: 'expiring', successor_id: rotated.body.id });
    const hours = (Date.parse(before.expires_at) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.9);
    expect(hours).toBeLessThanOrEqual(24);
    for (const { key } of [old, rotated.body]) {
      expect((await api.call('GET', '/api/v2/work-orders', { token: key })).status).toBe(200);
    }
    const again = await api.call('POST', `${KEYS}/${old.id}/rotate`, { tenant, body: {} });
    expect([again.status, again.body.error]).toEqual([409, 'conflict']);
    const kept = await api.call('PATCH', `${KEYS}/${old.id}`, { tenant, body: { expires_at: null } });
    expect(kept.body).toMatchObject({ state: 'active', expires_at: null });
  });

  test('is rotated without an overlap: the old one ends with it', async () => {
    const { body: old } = await create();
    const path = `${KEYS}/${old.id}`;
    expect((await api.call('POST', `${path}/rotate`, { tenant, body: { overlap_seconds: 0 } })).status).toBe(
      201,
    );
    expect((await api.call('GET', '/api/v2/work-orders', { token: old.key })).status).toBe(401);
    expect((await api.call('GET', path, { tenant })).body.state).toBe('expired');
  });

  test('that was reported as published says so', async () => {
    const { body } = await create();
    await reportLeakedApiKey(api.operator, body.id, { url: 'https://paste.example', source: 'scanner' });
    expect((await api.call('GET', `${KEYS}/${body.id}`, { tenant })).body).toMatchObject({
      state: 'revoked',
      leaked_at: expect.stringMatching(/Z$/),
    });
  });

  test('is changed in what is named alone', async () => {
    const { body } = await create({ rate_limit: 5 });
    const changed = await api.call('PATCH', `${KEYS}/${body.id}`, {
      tenant,
      body: { name: 'Nightly', scopes: ['quality:read'], expires_at: inOneHour() },
    });
    expect(changed.body).toMatchObject({ name: 'Nightly', scopes: ['quality:read'], rate_limit: 5 });
    const opened = await api.call('PATCH', `${KEYS}/${body.id}`, {
      tenant,
      body: { expires_at: null, rate_limit: null },
    });
    expect(opened.body).toMatchObject({ name: 'Nightly', expires_at: null, rate_limit: null });
  });

  test.each([
    [{ name: '' }, 'name'],
    [{ name: 'sk_live_00000000000000000000_'.padEnd(78, '0') }, 'name'],
    [{ scopes: [] }, 'scopes'],
    [{ scopes: ['a b'] }, 'scopes[0]'],
    [{ environment: 'staging' }, 'environment'],
    [{ ip_allowlist: ['10.0.0.0/33'] }, 'ip_allowlist[0]'],
    [{ ip_allowlist: 'all' }, 'ip_allowlist'],
    [{ rate_limit: 0 }, 'rate_limit'],
    [{ expires_at: 'tomorrow' }, 'expires_at'],
    [{ expires_at: '2001-01-01T00:00:00Z' }, 'expires_at'],
    [{ key: 'sk_live_mine' }, 'key'],
  ])('with %j is a 422 that names %s', async (fields, field) => {
    const { status, body } = await create(fields);
    expect([status, body.fields?.[0].field]).toEqual([422, field]);
  });
});

describe('environments', () => {
  test('a live credential manages both, and lists its own unless asked for the other', async () => {
    const { body: live } = await create();
    const { body: trial } = await create({ environment: 'test' });
    expect([live.environment, trial.environment]).toEqual(['live', 'test']);
    expect(trial.key).toMatch(/^sk_test_/);
    const ids = async (query: string) =>
      (await api.call('GET', KEYS + query, { tenant })).body.data.map(({ id }: { id: string }) => id);
    expect(await ids('')).toEqual([live.id]);
    expect(await ids('?environment=test')).toEqual([trial.id]);
    expect((await api.call('POST', `${KEYS}/${trial.id}/revoke`, { tenant })).status).toBe(200);
  });

  test('a test credential manages the test one: live is a 403 to ask for, and a 404 to reach', async () => {
    const { body: live } = await create();
    const trial: Tenant = { ...tenant, environment: 'test' };
    expect((await create({}, { tenant: trial })).body.environment).toBe('test');
    const asked = await create({ environment: 'live' }, { tenant: trial });
    expect([asked.status, asked.body.error]).toEqual([403, 'forbidden']);
    expect((await api.call('GET', `${KEYS}?environment=live`, { tenant: trial })).status).toBe(403);
    for (const [method, tail] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/rotate'],
      ['POST', '/revoke'],
    ] as const) {
      const answer = await api.call(method, `${KEYS}/${live.id}${tail}`, {
        tenant: trial,
        ...(method === 'GET' || method === 'DELETE' ? {} : { body: {} }),
      });
      expect([method, tail, answer.status]).toEqual([method, tail, 404]);
    }
  });
});

test('a list turns its pages by cursor, newest first', async () => {
  const ids: string[] = [];
  for (let count = 0; count < 5; count += 1) ids.unshift((await create()).body.id);
  const pages: string[] = [];
  let cursor = '';
  for (let turn = 0; turn < 3; turn += 1) {
    const { body } = await api.call('GET', `${KEYS}?limit=2${cursor}`, { tenant });
    pages.push(...body.data.map(({ id }: { id: string }) => id));
    expect(JSON.stringify(body)).not.toContain('"key"');
    cursor = `&cursor=${body.next_cursor}`;
  }
  expect(pages).toEqual(ids);
  expect(cursor).toBe('&cursor=null');
});

test('whoever acts is in the audit log, with address and request, and no key ever is', async () => {
  const { key } = await api.createKey(tenant);
  const { body, headers } = await create({}, { token: key });
  await api.call('POST', `${KEYS}/${body.id}/rotate`, { tenant });
  await api.call('DELETE', `${KEYS}/${body.id}`, { tenant });
  const events = await api.durable.auditEvents.list({ organizationId: tenant.organizationId, limit: 100 });
  const made = events.find(({ target, action }) => target?.id === body.id && action === 'api_key.created');
  expect(made).toMatchObject({
    actor: { type: 'api_key', id: parseApiKey(key)?.id },
    ip: '127.0.0.1',
    requestId: headers.get('x-request-id'),
  });
  const log = JSON.stringify(events);
  for (const shown of [key, body.key]) expect(log).not.toContain(parseApiKey(shown)?.secret);
});
