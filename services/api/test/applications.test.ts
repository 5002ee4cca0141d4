import { createApplication } from '@latchkey/registry';
import { digestSecret, type Tenant } from '@latchkey/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ORIGIN, PEPPER, startApi, type TestApi } from './harness.ts';

const APPS = '/api/v2/applications';

let api: TestApi;
let tenant: Tenant;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  tenant = await api.tenant();
});

const web = (fields: object = {}) => ({
  client_name: 'Shop',
  application_type: 'web',
  redirect_uris: ['https://shop.example/callback'],
  scope: 'openid work-orders:read',
  ...fields,
});
const create = (body: object = web()) => api.call('POST', APPS, { tenant, body });

test('a web application gets a secret once, and is listed with everything but the secret', async () => {
  const created = await create(
    web({ logo_uri: 'https://shop.example/logo.png', policy_uri: 'https://shop.example/privacy' }),
  );
  expect(created.status).toBe(201);
  const { client_secret, ...record } = created.body;
  expect(client_secret).toMatch(/^[0-9A-Za-z]{43}$/);
  expect(record).toEqual({
    id: expect.stringMatching(/^client_/),
    client_id: record.id,
    environment: 'live',
    client_name: 'Shop',
    application_type: 'web',
    redirect_uris: ['https://shop.example/callback'],
    post_logout_redirect_uris: [],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'client_secret_basic',
    scope: 'openid work-orders:read',
    jwks: null,
    client_uri: null,
    logo_uri: 'https://shop.example/logo.png',
    policy_uri: 'https://shop.example/privacy',
    tos_uri: null,
    secrets: [{ id: expect.stringMatching(/^secret_/), created_at: expect.any(String), expires_at: null }],
    disabled_at: null,
    created_at: expect.any(String),
    updated_at: expect.any(String),
  });
  expect(created.headers.get('location')).toBe(`${ORIGIN}${APPS}/${record.id}`);
  expect((await api.call('GET', `${APPS}/${record.id}`, { tenant })).body).toEqual(record);
  expect((await api.call('GET', APPS, { tenant })).body).toEqual({ data: [record], next_cursor: null });
  const stored = await api.durable.clients.find(record.id);
  expect(stored?.secrets[0]?.digest).toEqual(digestSecret(PEPPER, client_secret));
});

test.each([
  ['spa', { redirect_uris: ['https://spa.example/cb'] }, null],
  ['native', { redirect_uris: ['com.example.app:/cb', 'http://127.0.0.1/cb'] }, null],
  ['machine', {}, expect.any(String)],
])('a %s application is made with the defaults of its kind', async (application_type, fields, secret) => {
  const body = { client_name: 'It', application_type, scope: 'quality:read', ...fields };
  const created = await create(body);
  expect([created.status, created.body.client_secret]).toEqual([201, secret]);
});

test('without a scope it gets the data scopes of its creator, and those of signing in where people do', async () => {
  const { body: machine } = await create({ client_name: 'Robot', application_type: 'machine' });
  expect(machine.scope.split(' ')).toContain('work-orders:read');
  expect(machine.scope).not.toMatch(/openid|api-keys|audit/);
  const { scope, ...fields } = web();
  expect((await create(fields)).body.scope).toMatch(/^openid .*inventory:write$/);
});

test.each([
  [{ redirect_uris: ['http://shop.example/cb'] }, 'redirect_uris[0]'],
  [{ redirect_uris: ['https://shop.example/cb', 'https://shop.example/#x'] }, 'redirect_uris[1]'],
  [{ redirect_uris: ['https://*.example/cb'] }, 'redirect_uris[0]'],
  [{ redirect_uris: [] }, 'redirect_uris'],
  [{ client_name: '' }, 'client_name'],
  [{ application_type: 'resource_server', redirect_uris: [] }, 'application_type'],
  [{ logo_uri: 'http://shop.example/logo.png' }, 'logo_uri'],
  [{ jwks_uri: 'https://internal.example/jwks' }, 'jwks_uri'],
  [{ require_pkce: false }, 'require_pkce'],
  [{ refresh_without_secret: true }, 'refresh_without_secret'],
  [{ token_endpoint_auth_method: 'private_key_jwt' }, 'jwks'],
  [{ organization_id: 'org_1' }, 'organization_id'],
])('%j is a 422 that names %s', async (fields, field) => {
  const { status, body } = await create(web(fields));
  expect([status, body.fields?.map((fault: { field: string }) => fault.field)]).toEqual([422, [field]]);
});

test('is changed in what is named; null takes a link away', async () => {
  const { body } = await create(web({ tos_uri: 'https://shop.example/tos' }));
  const changed = await api.call('PATCH', `${APPS}/${body.id}`, {
    tenant,
    body: { client_name: 'Shop 2', tos_uri: null, redirect_uris: ['https://shop.example/cb2'] },
  });
  expect(changed.body).toMatchObject({
    client_name: 'Shop 2',
    tos_uri: null,
    redirect_uris: ['https://shop.example/cb2'],
    scope: body.scope,
  });
  const refused = await api.call('PATCH', `${APPS}/${body.id}`, {
    tenant,
    body: { application_type: 'spa' },
  });
  expect([refused.status, refused.body.fields[0].field]).toEqual([422, 'application_type']);
});

describe('secrets', () => {
  test('are added and rotated: shown once, the others end when it says', async () => {
    const { body } = await create();
    const path = `${APPS}/${body.id}`;
    const ends = '2031-01-01T00:00:00.000Z';
    const added = await api.call('POST', `${path}/secrets`, {
      tenant,
      body: { others_expire_at: '2030-01-01T00:00:00Z', expires_at: ends },
    });
    expect(added.status).toBe(201);
    expect(added.body).toEqual({
      id: expect.stringMatching(/^secret_/),
      client_secret: expect.any(String),
      expires_at: ends,
    });
    expect(added.headers.get('location')).toBe(`${ORIGIN}${path}/secrets/${added.body.id}`);
    const { body: after } = await api.call('GET', path, { tenant });
    expect(after.secrets.map(({ expires_at }: { expires_at: string }) => expires_at)).toEqual([
      '2030-01-01T00:00:00.000Z',
      ends,
    ]);
    expect(JSON.stringify(after)).not.toContain(added.body.client_secret);
    expect((await api.call('POST', `${path}/secrets`, { tenant })).status).toBe(201);
  });

  test('are given an end, and revoked', async () => {
    const { body } = await create();
    const secret = `${APPS}/${body.id}/secrets/${body.secrets[0].id}`;
    const ending = await api.call('PATCH', secret, { tenant, body: { expires_at: '2031-01-01T00:00:00Z' } });
    expect(ending.body).toMatchObject({ id: body.secrets[0].id, expires_at: '2031-01-01T00:00:00.000Z' });
    const past = await api.call('PATCH', secret, { tenant, body: { expires_at: '2001-01-01T00:00:00Z' } });
    expect([past.status, past.body.fields[0].field]).toEqual([422, 'expires_at']);
    expect((await api.call('DELETE', secret, { tenant })).status).toBe(204);
    for (const [method, body] of [['DELETE'], ['PATCH', { expires_at: '2031-01-01T00:00:00Z' }]] as const) {
      expect([method, (await api.call(method, secret, { tenant, body })).status]).toEqual([method, 404]);
    }
    expect((await api.call('GET', `${APPS}/${body.id}`, { tenant })).body.secrets).toEqual([]);
  });

  test('are bounded in number: one more is a 409', async () => {
    const { body } = await create();
    const add = () => api.call('POST', `${APPS}/${body.id}/secrets`, { tenant, body: {} });
    for (let count = 1; count < 10; count += 1) expect((await add()).status).toBe(201);
    expect((await add()).status).toBe(409);
  });

  test('are not for an application that has none: 422', async () => {
    const { body } = await create(web({ application_type: 'spa' }));
    expect((await api.call('POST', `${APPS}/${body.id}/secrets`, { tenant, body: {} })).status).toBe(422);
  });

  test('of another application, or with an id that is none, are a 404', async () => {
    const [{ body: one }, { body: two }] = [await create(), await create()];
    for (const id of [two.secrets[0].id, 'secret_x', '%00', 'x']) {
      const path = `${APPS}/${one.id}/secrets/${id}`;
      expect([id, (await api.call('DELETE', path, { tenant })).status]).toEqual([id, 404]);
      const body = { expires_at: '2031-01-01T00:00:00Z' };
      expect([id, (await api.call('PATCH', path, { tenant, body })).status]).toEqual([id, 404]);
    }
  });
});

test('is deleted with what it held', async () => {
  const { body } = await create();
  expect((await api.call('DELETE', `${APPS}/${body.id}`, { tenant })).status).toBe(204);
  expect((await api.call('GET', `${APPS}/${body.id}`, { tenant })).status).toBe(404);
  expect(await api.durable.clients.find(body.id)).toBeUndefined();
});

test('a client that introspects is the operator’s: not listed, not found, even where the organization owns it', async () => {
  const { organizationId } = tenant;
  const shown = await create();
  await api.durable.clients.create({
    id: 'client_introspects',
    organizationId,
    environment: 'live',
    metadata: {
      ...((await api.durable.clients.find(shown.body.id))?.metadata ?? (undefined as never)),
      application_type: 'resource_server',
    },
  });
  const { body } = await api.call('GET', `${APPS}?limit=1`, { tenant });
  expect(body).toMatchObject({ data: [{ id: shown.body.id }], next_cursor: null });
  expect((await api.call('GET', `${APPS}/client_introspects`, { tenant })).status).toBe(404);
});

test('an id that an operator declared turns pages as well', async () => {
  const { organizationId } = tenant;
  const made = await createApplication(
    api.operator,
    PEPPER,
    { organizationId, environment: 'live' },
    { client_name: 'First', application_type: 'machine', scope: '' },
  );
  const { metadata } = made.client;
  await api.durable.clients.create({ id: 'legacy.app-1', organizationId, environment: 'live', metadata });
  const { body } = await api.call('GET', `${APPS}?limit=1`, { tenant });
  expect(body.data[0].id).toBe('legacy.app-1');
  const next = await api.call('GET', `${APPS}?limit=1&cursor=${body.next_cursor}`, { tenant });
  expect(next.body).toMatchObject({ data: [{ id: made.client.id }], next_cursor: null });
});

test('no secret reaches the audit log, which names who acted', async () => {
  const { body } = await create();
  const added = await api.call('POST', `${APPS}/${body.id}/secrets`, { tenant, body: {} });
  const events = await api.durable.auditEvents.list({ organizationId: tenant.organizationId, limit: 100 });
  expect(events.map(({ action }) => action)).toEqual([
    'client.secret_created',
    'client.secret_created',
    'client.created',
  ]);
  expect(events[0]).toMatchObject({ actor: { type: 'client', id: 'client_test' }, ip: '127.0.0.1' });
  for (const secret of [body.client_secret, added.body.client_secret]) {
    expect(JSON.stringify(events)).not.toContain(secret);
  }
});
