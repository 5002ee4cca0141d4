import { mintApiKey, parseApiKey } from '@latchkey/protocol';
import { revokeApiKey } from '@latchkey/registry';
import type { Tenant } from '@latchkey/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RESOURCE_SERVER, startApi, type TestApi } from './harness.ts';

const ORDERS = '/api/v2/work-orders';

let api: TestApi;
let tenant: Tenant;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  tenant = await api.tenant();
});

const order = () => ({ number: crypto.randomUUID(), product: 'Pump', quantity: 1 });
const get = (key: string, headers: Record<string, string> = {}, path = ORDERS) =>
  api.call('GET', path, { token: key, headers });
/** What refused it. */
const refusal = async (key: string, headers?: Record<string, string>) => {
  const { status, body } = await get(key, headers);
  return [status, body.error, body.error_description];
};

describe('an API key', () => {
  test('reads and writes with its scopes, and with no other', async () => {
    const { key } = await api.createKey(tenant, { scopes: ['work-orders:read', 'work-orders:write'] });
    const made = await api.call('POST', ORDERS, { token: key, body: order() });
    expect(made.status).toBe(201);
    expect((await get(key)).body.data).toEqual([made.body]);
    const refused = await get(key, {}, '/api/v2/operations');
    expect([refused.status, refused.body.error]).toEqual([403, 'insufficient_scope']);
    expect(refused.headers.get('www-authenticate')).toContain('scope="operations:read"');
  });

  test('of one environment does not see the data of the other', async () => {
    const live = await api.createKey(tenant);
    const trial = await api.createKey({ ...tenant, environment: 'test' });
    const { body } = await api.call('POST', ORDERS, { token: live.key, body: order() });
    expect((await get(live.key, {}, `${ORDERS}/${body.id}`)).status).toBe(200);
    expect((await get(trial.key, {}, `${ORDERS}/${body.id}`)).status).toBe(404);
    expect((await get(trial.key)).body.data).toEqual([]);
  });

  test("does not see another organisation's rows: 404", async () => {
    const { key } = await api.createKey(tenant);
    const other = await api.createKey(await api.tenant());
    const { body } = await api.call('POST', ORDERS, { token: key, body: order() });
    expect((await get(other.key, {}, `${ORDERS}/${body.id}`)).status).toBe(404);
    const changed = await api.call('PATCH', `${ORDERS}/${body.id}`, {
      token: other.key,
      body: { quantity: 9 },
    });
    expect(changed.status).toBe(404);
  });

  test('that is revoked is refused at the next request, and said to be revoked', async () => {
    const { key, apiKey } = await api.createKey(tenant);
    expect((await get(key)).status).toBe(200);
    await revokeApiKey(api.operator, apiKey.id);
    expect(await refusal(key)).toEqual([401, 'invalid_token', 'The API key has been revoked']);
  });

  test('that is revoked during a hundred requests is refused for every one sent after that', async () => {
    const { key, apiKey } = await api.createKey(tenant);
    const before = Array.from({ length: 50 }, () => get(key));
    await revokeApiKey(api.operator, apiKey.id);
    const after = await Promise.all(Array.from({ length: 50 }, () => get(key)));
    expect(new Set(after.map(({ status }) => status))).toEqual(new Set([401]));
    for (const { status } of await Promise.all(before)) expect([200, 401]).toContain(status);
  });

  test('past its expiry is refused, and said to have expired', async () => {
    const { key, apiKey } = await api.createKey(tenant);
    expect((await get(key)).status).toBe(200);
    await api.durable.apiKeys.update(apiKey.id, { expiresAt: new Date(Date.now() - 1000) });
    await api.operator.announce({ type: 'api_key', id: apiKey.id });
    expect(await refusal(key)).toEqual([401, 'invalid_token', 'The API key has expired']);
  });

  test('with the id of another and a wrong secret is refused in the words for one that is unknown', async () => {
    const { key, apiKey } = await api.createKey(tenant);
    const minted = Array.from({ length: 2 }, () => mintApiKey('live'));
    const [unknown, other] = minted.map((made) => made.key);
    const id = parseApiKey(key)?.id;
    await api.durable.apiKeys.create({
      ...apiKey,
      id: minted[1]?.id ?? '',
      digest: Buffer.alloc(32, 1),
    });
    expect(id).toBe(apiKey.id);
    expect(await refusal(other ?? '')).toEqual(await refusal(unknown ?? ''));
    expect(await refusal(other ?? '')).toEqual([401, 'invalid_token', 'The API key is unknown']);
  });

  test('that was mistyped is told so', async () => {
    const { key } = await api.createKey(tenant);
    const [status, error] = await refusal(`${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`);
    expect([status, error]).toEqual([401, 'invalid_token']);
  });

  test('of a disabled organisation is refused, and of one that is enabled again is not', async () => {
    const { key } = await api.createKey(tenant);
    const disable = async (disabledAt: Date | null) => {
      await api.durable.organizations.update(tenant.organizationId, { disabledAt });
      await api.operator.announce({ type: 'organization', id: tenant.organizationId });
    };
    expect((await get(key)).status).toBe(200);
    await disable(new Date());
    expect((await refusal(key)).slice(0, 2)).toEqual([401, 'invalid_token']);
    await disable(null);
    expect((await get(key)).status).toBe(200);
  });

  test('manages keys where its scopes say so, and never what its organisation confines it by', async () => {
    const { key, apiKey } = await api.createKey(tenant);
    const listed = await get(key, {}, '/api/v2/api-keys');
    expect(listed.body.data.map(({ id }: { id: string }) => id)).toEqual([apiKey.id]);
    const { status, body } = await api.call('PATCH', '/api/v2/organization', {
      token: key,
      body: { ip_allowlist: [] },
    });
    expect([status, body.error]).toEqual([403, 'forbidden']);
  });
});

describe('an allowlist', () => {
  /** As the proxy that is believed tells it: what the client claims, then where it really comes from. */
  const from = (...chain: string[]) => ({ 'x-forwarded-for': chain.join(', ') });

  test('of a key lets its addresses pass, and no others, whatever a client claims to be', async () => {
    const { key } = await api.createKey(tenant, { ipAllowlist: ['203.0.113.0/24', '2001:db8::/32'] });
    for (const address of ['203.0.113.9', '2001:db8::1', '::ffff:203.0.113.9']) {
      expect([address, (await get(key, from(address))).status]).toEqual([address, 200]);
    }
    const forbidden = [403, 'forbidden', 'This credential or operation may not be used from your IP address'];
    expect(await refusal(key, from('198.51.100.7'))).toEqual(forbidden);
    expect(await refusal(key, from('203.0.113.9', '198.51.100.7'))).toEqual(forbidden);
    expect(await refusal(key, { ...from('198.51.100.7'), 'x-real-ip': '203.0.113.9' })).toEqual(forbidden);
    expect(await refusal(key)).toEqual(forbidden);
  });

  test('of an organisation holds for each of its credentials, keys and tokens, from its change on', async () => {
    const { key } = await api.createKey(tenant);
    const token = await api.issuer.sign({ org_id: tenant.organizationId, env: 'live' });
    const statuses = async (address: string) =>
      Promise.all([key, token].map(async (credential) => (await get(credential, from(address))).status));
    expect(await statuses('198.51.100.7')).toEqual([200, 200]);
    await api.durable.organizations.update(tenant.organizationId, { ipAllowlist: ['203.0.113.0/24'] });
    await api.operator.announce({ type: 'organization', id: tenant.organizationId });
    expect(await statuses('198.51.100.7')).toEqual([403, 403]);
    expect(await statuses('203.0.113.9')).toEqual([200, 200]);
  });

  test('of a key does not widen that of its organisation', async () => {
    await api.durable.organizations.update(tenant.organizationId, { ipAllowlist: ['203.0.113.0/24'] });
    await api.operator.announce({ type: 'organization', id: tenant.organizationId });
    const { key } = await api.createKey(tenant, { ipAllowlist: ['198.51.100.0/24', '203.0.113.9'] });
    expect((await get(key, from('198.51.100.7'))).status).toBe(403);
    expect((await get(key, from('203.0.113.8'))).status).toBe(403);
    expect((await get(key, from('203.0.113.9'))).status).toBe(200);
  });

  test('without a proxy that is believed looks at the connection alone', async () => {
    const direct = await startApi({ config: { trustedProxies: [], origin: 'http://api.example.test' } });
    const of = await direct.tenant();
    const loopback = await direct.createKey(of, { ipAllowlist: ['127.0.0.1'] });
    const elsewhere = await direct.createKey(of, { ipAllowlist: ['203.0.113.0/24'] });
    const headers = from('203.0.113.9');
    const status = async ({ key }: { key: string }) =>
      (await direct.call('GET', ORDERS, { token: key, headers })).status;
    expect([await status(loopback), await status(elsewhere)]).toEqual([200, 403]);
    await direct.close();
  });
});

describe('plain http', () => {
  test('is refused with a key and with a token, on real and unknown routes, behind a proxy that is believed', async () => {
    const { key } = await api.createKey(tenant);
    const headers = { 'x-forwarded-proto': 'http' };
    for (const path of [ORDERS, '/api/v2/nothing']) {
      const { status, body } = await get(key, headers, path);
      expect([path, status, body.error]).toEqual([path, 403, 'https_required']);
    }
    expect((await api.call('GET', ORDERS, { headers })).status).toBe(403);
  });

  test('is refused where nobody who is believed says that it was https', async () => {
    const direct = await startApi({ config: { trustedProxies: [] } });
    const { status, body } = await direct.call('GET', ORDERS, { headers: { 'x-forwarded-proto': 'https' } });
    expect([status, body.error]).toEqual([403, 'https_required']);
    await direct.close();
  });

  test('is told of nowhere else: an answer over https has HSTS', async () => {
    const { headers } = await get((await api.createKey(tenant)).key);
    expect(headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/);
  });
});

describe('a key in the URL', () => {
  const exposures = async (id: string) => {
    const filter = { action: 'api_key.exposed_in_url', targetId: id, limit: 10 };
    return api.durable.auditEvents.list({ ...filter, organizationId: tenant.organizationId });
  };

  test.each([
    ['in the query of a real route', (key: string) => `${ORDERS}?api_key=${key}`, 'query'],
    ['in the path of a real route', (key: string) => `${ORDERS}/${key}`, 'path'],
    ['percent-encoded', (key: string) => `${ORDERS}?k=${key.replaceAll('_', '%5F')}`, 'query'],
    ['on an unknown route', (key: string) => `/api/v2/nothing?token=${key}`, 'query'],
    ['of another version of the API', (key: string) => `/api/v1/work-orders?api_key=${key}`, 'query'],
    ['on a page', (key: string) => `/docs?k=${key}`, 'query'],
    ['in a path that is nothing', (key: string) => `/${key}`, 'path'],
    ['in the path of an unknown route', (key: string) => `/api/v2/${key}/work-orders`, 'path'],
  ])('%s is a 400 that says so, and an audit event without the URL', async (_, url, where) => {
    const { key, apiKey } = await api.createKey(tenant);
    const { status, body, headers } = await get(key, { 'x-forwarded-for': '203.0.113.9' }, url(key));
    expect([status, body.error]).toEqual([400, 'invalid_request']);
    expect(body.error_description).toContain('never in the URL');
    await expect.poll(async () => (await exposures(apiKey.id)).length).toBe(1);
    const [event] = await exposures(apiKey.id);
    expect(event).toMatchObject({
      result: 'failure',
      actor: { type: 'api_key', id: apiKey.id },
      ip: '203.0.113.9',
      requestId: headers.get('x-request-id'),
      details: { where },
    });
    expect(JSON.stringify(event)).not.toContain(key);
  });

  test('again and again is one event a minute', async () => {
    const { key, apiKey } = await api.createKey(tenant);
    for (let index = 0; index < 5; index += 1) await get(key, {}, `${ORDERS}?api_key=${key}`);
    await expect.poll(async () => (await exposures(apiKey.id)).length).toBe(1);
    const { body } = await get(key, {}, '/api/v2/audit-events?action=api_key.exposed_in_url');
    expect(body.data).toHaveLength(1);
  });

  test('that nobody issued is refused all the same, and nobody is told', async () => {
    const { key, id } = mintApiKey('live');
    const { status } = await api.call('DELETE', `${ORDERS}?key=${key}`);
    expect(status).toBe(400);
    expect(await api.durable.auditEvents.list({ targetId: id, limit: 1 })).toEqual([]);
  });
});

describe('an API that the registry', () => {
  test('lets take no keys refuses them from then on, and takes them again when that changes', async () => {
    const other = await startApi();
    const { key } = await other.createKey(await other.tenant());
    const status = async () => (await other.call('GET', ORDERS, { token: key })).status;
    const accept = async (acceptsApiKeys: boolean) => {
      await other.durable.resourceServers.update(RESOURCE_SERVER.id, { acceptsApiKeys });
      await other.operator.announce({ type: 'resource_server', id: RESOURCE_SERVER.id });
    };
    expect(await status()).toBe(200);
    await accept(false);
    await expect.poll(status).toBe(401);
    await accept(true);
    await expect.poll(status).toBe(200);
    await other.close();
  });

  test('does not know takes no keys', async () => {
    const other = await startApi({ config: { audience: 'https://unknown.example.test' } });
    const { key } = await other.createKey(await other.tenant());
    const { status, body } = await other.call('GET', ORDERS, { token: key });
    expect([status, body.error_description]).toEqual([401, expect.stringContaining('not accepted')]);
    await other.close();
  });
});
