import { ROLES, type Role, roleAllows } from '@latchkey/protocol';
import type { Tenant } from '@latchkey/storage';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { requireWithin, TOKENS_ALONE } from '../src/granting.ts';
import { ALL_SCOPES, ROUTES, startApi, type TestApi } from './harness.ts';

const KEYS = '/api/v2/api-keys';
const APPS = '/api/v2/applications';
const EVERY = ALL_SCOPES.split(' ');

let api: TestApi;
let tenant: Tenant;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  tenant = await api.tenant();
});

/** Somebody's token, whatever their role says of its scopes. */
const sign = (scopes: readonly string[], claims: object = {}) =>
  api.issuer.sign({ org_id: tenant.organizationId, env: 'live', scope: scopes.join(' '), ...claims });
const person = (role: Role | 'emperor') => ({ sub: 'user_1', role });
const post = (path: string, token: string, body: object = {}) => api.call('POST', path, { token, body });
const outcome = ({ status, body }: Awaited<ReturnType<TestApi['call']>>) => [status, body.error];
const robot = (scope: string) => ({ client_name: 'Robot', application_type: 'machine', scope });

const LACKS = [403, 'insufficient_scope'];

describe('nobody gives a scope that they lack', () => {
  test.each(ROLES)('a person: %s gives exactly what role and token hold', async (role) => {
    const token = await sign(EVERY, person(role));
    for (const scope of EVERY) {
      const { status, body } = await post(KEYS, token, { name: 'Script', scopes: [scope] });
      expect([scope, status]).toEqual([scope, roleAllows(role, scope) ? 201 : 403]);
      if (status === 403) expect(body.error_description).toContain(scope);
    }
    const narrow = await sign(['api-keys:write', 'quality:read'], person(role));
    expect(outcome(await post(KEYS, narrow, { name: 'Script', scopes: ['quality:write'] }))).toEqual(LACKS);
  });

  test('a person with a role that is not known gives nothing', async () => {
    const token = await sign(EVERY, person('emperor'));
    expect(outcome(await post(KEYS, token, { name: 'Script', scopes: ['quality:read'] }))).toEqual(LACKS);
    expect(outcome(await post(KEYS, token, { name: 'Script' }))).toEqual(LACKS);
  });

  test('a machine and an API key: 403 names all that is missing, in the challenge too', async () => {
    const held = ['api-keys:write', 'work-orders:read'];
    const machine = await sign(held);
    const { key } = await api.createKey(tenant, { scopes: held });
    for (const token of [machine, key]) {
      const asked = { name: 'Script', scopes: ['work-orders:read', 'work-orders:write', 'audit:read'] };
      const refused = await post(KEYS, token, asked);
      expect(outcome(refused)).toEqual(LACKS);
      expect(refused.body.error_description).toMatch(/: work-orders:write audit:read$/);
      expect(refused.headers.get('www-authenticate')).toContain('scope="work-orders:write audit:read"');
      expect((await post(KEYS, token, { ...asked, scopes: held })).status).toBe(201);
    }
  });

  test('who holds none of the default scopes must name what to give', async () => {
    const token = await sign(['api-keys:write', 'applications:write']);
    expect(outcome(await post(KEYS, token, { name: 'Script' }))).toEqual(LACKS);
    const app = { client_name: 'Robot', application_type: 'machine' };
    expect(outcome(await post(APPS, token, app))).toEqual(LACKS);
  });

  test('nor is handed the secret of a stronger key, nor opens, prolongs or widens it; they may end it', async () => {
    const { apiKey } = await api.createKey(tenant, { scopes: ['work-orders:write'], rateLimit: 1 });
    const weak = await sign(['api-keys:write']);
    expect(outcome(await post(`${KEYS}/${apiKey.id}/rotate`, weak))).toEqual(LACKS);
    for (const body of [
      { scopes: ['api-keys:write'] },
      { ip_allowlist: [] },
      { expires_at: null },
      { rate_limit: null },
      { name: 'Mine' },
    ]) {
      const refused = await api.call('PATCH', `${KEYS}/${apiKey.id}`, { token: weak, body });
      expect([body, ...outcome(refused)]).toEqual([body, ...LACKS]);
    }
    const equal = await sign(['api-keys:write', 'work-orders:write']);
    const widened = { scopes: ['work-orders:write', 'quality:write'] };
    expect(outcome(await api.call('PATCH', `${KEYS}/${apiKey.id}`, { token: equal, body: widened }))).toEqual(
      LACKS,
    );
    expect((await post(`${KEYS}/${apiKey.id}/rotate`, equal)).status).toBe(201);
    expect((await post(`${KEYS}/${apiKey.id}/revoke`, weak)).status).toBe(200);
    expect((await api.call('DELETE', `${KEYS}/${apiKey.id}`, { token: weak })).status).toBe(204);
  });

  test('nor by way of an application: not made, widened, redirected or given a secret; they may end it', async () => {
    const strong = await sign(['applications:write', 'audit:read']);
    const weak = await sign(['applications:write']);
    expect(outcome(await post(APPS, weak, robot('audit:read')))).toEqual(LACKS);
    const { body: app } = await post(APPS, strong, robot('audit:read'));
    const path = `${APPS}/${app.id}`;
    const secret = `${path}/secrets/${app.secrets[0].id}`;
    expect(outcome(await post(`${path}/secrets`, weak))).toEqual(LACKS);
    for (const [target, body] of [
      [path, { scope: '' }],
      [path, { redirect_uris: ['https://evil.example/cb'] }],
      [secret, { expires_at: '2031-01-01T00:00:00Z' }],
    ] as const) {
      expect(outcome(await api.call('PATCH', target, { token: weak, body }))).toEqual(LACKS);
    }
    const widened = { scope: 'audit:read quality:read' };
    expect(outcome(await api.call('PATCH', path, { token: strong, body: widened }))).toEqual(LACKS);
    expect((await api.call('DELETE', secret, { token: weak })).status).toBe(204);
    expect((await api.call('DELETE', path, { token: weak })).status).toBe(204);
  });
});

describe('an API key gives no more than it has', () => {
  const OUT_OF_BOUNDS = [403, 'forbidden'];
  const soon = new Date(Date.now() + 3_600_000);
  const bounds = { ipAllowlist: ['127.0.0.0/8'], expiresAt: soon, rateLimit: 100 };

  test('a new key keeps within its addresses, expiry and limit, and has them where nothing is said', async () => {
    const { key } = await api.createKey(tenant, bounds);
    const inherited = await post(KEYS, key, { name: 'Script' });
    expect(inherited.body).toMatchObject({
      ip_allowlist: ['127.0.0.0/8'],
      expires_at: soon.toISOString(),
      rate_limit: 100,
    });
    for (const wider of [
      { ip_allowlist: [] },
      { ip_allowlist: ['127.0.0.1', '0.0.0.0/0'] },
      { ip_allowlist: ['::ffff:127.0.0.1/104'] },
      { expires_at: null },
      { expires_at: '2031-01-01T00:00:00Z' },
      { rate_limit: null },
      { rate_limit: 101 },
    ]) {
      expect([wider, ...outcome(await post(KEYS, key, { name: 'Script', ...wider }))]).toEqual([
        wider,
        ...OUT_OF_BOUNDS,
      ]);
    }
    const narrower = { ip_allowlist: ['127.0.0.1', '127.1.0.0/16'], rate_limit: 1 };
    expect((await post(KEYS, key, { name: 'Script', ...narrower })).status).toBe(201);
  });

  test('it does not lift its own bounds, nor take over a key that has none', async () => {
    const { key, apiKey } = await api.createKey(tenant, bounds);
    const free = await api.createKey(tenant);
    for (const body of [{ ip_allowlist: [] }, { expires_at: null }, { rate_limit: null }]) {
      const refused = await api.call('PATCH', `${KEYS}/${apiKey.id}`, { token: key, body });
      expect([body, ...outcome(refused)]).toEqual([body, ...OUT_OF_BOUNDS]);
    }
    expect(outcome(await post(`${KEYS}/${free.apiKey.id}/rotate`, key))).toEqual(OUT_OF_BOUNDS);
    expect((await post(`${KEYS}/${apiKey.id}/rotate`, key)).status).toBe(201);
  });

  test('a rotation renews the expiry of a key, but never beyond that of the key that asks', async () => {
    const now = Date.now();
    const expiresAt = new Date(now + 3_600_000);
    const itself = await api.createKey(tenant, { scopes: ['api-keys:write'], expiresAt });
    const rotated = await post(`${KEYS}/${itself.apiKey.id}/rotate`, itself.key);
    expect([rotated.status, rotated.body.expires_at]).toEqual([201, expiresAt.toISOString()]);
    const stored = await api.durable.apiKeys.find(rotated.body.id);
    expect(stored?.expiresAt).toEqual(expiresAt);
    const other = await api.createKey(tenant, { scopes: ['api-keys:write'], expiresAt });
    const renewed = await post(`${KEYS}/${other.apiKey.id}/rotate`, await sign(['api-keys:write']));
    expect(Date.parse(renewed.body.expires_at)).toBeGreaterThan(expiresAt.getTime());
  });

  test('a key that is widened while it is rotated is given to nobody who could not have rotated it then', async () => {
    const { apiKey } = await api.createKey(tenant, { scopes: ['api-keys:write'] });
    const { apiKeys } = api.durable;
    const find = apiKeys.find;
    const looking = vi.spyOn(apiKeys, 'find').mockImplementationOnce(async (id) => {
      const before = await find(id);
      await apiKeys.update(id, { scopes: ['api-keys:write', 'audit:read'] });
      return before;
    });
    const refused = await post(`${KEYS}/${apiKey.id}/rotate`, await sign(['api-keys:write']));
    looking.mockRestore();
    expect(outcome(refused)).toEqual(LACKS);
    expect(JSON.stringify(refused.body)).not.toContain('sk_');
    expect(await find(apiKey.id)).toMatchObject({ successorId: null, expiresAt: null });
  });

  test('nor is a secret of an application that is widened meanwhile', async () => {
    const { body: app } = await post(APPS, await sign(EVERY), robot('quality:read'));
    const { clients } = api.durable;
    const find = clients.find;
    const metadata = { ...(await find(app.id))?.metadata, scope: 'quality:read audit:read' };
    const looking = vi.spyOn(clients, 'find').mockImplementationOnce(async (id) => {
      const before = await find(id);
      await clients.update(id, { metadata: metadata as never });
      return before;
    });
    const refused = await post(
      `${APPS}/${app.id}/secrets`,
      await sign(['applications:write', 'quality:read']),
    );
    looking.mockRestore();
    expect(outcome(refused)).toEqual(LACKS);
    expect((await find(app.id))?.secrets.map(({ id }) => id)).toEqual([app.secrets[0].id]);
  });

  test('it gives no application what routes ask of tokens alone', async () => {
    const { key } = await api.createKey(tenant);
    const token = await sign(EVERY);
    expect(outcome(await post(APPS, key, robot('organization:write')))).toEqual(OUT_OF_BOUNDS);
    const { body: harmless } = await post(APPS, key, robot('organization:read'));
    const widened = { token: key, body: { scope: 'organization:write' } };
    expect(outcome(await api.call('PATCH', `${APPS}/${harmless.id}`, widened))).toEqual(OUT_OF_BOUNDS);
    const { body: app } = await post(APPS, token, robot('organization:write'));
    expect(outcome(await post(`${APPS}/${app.id}/secrets`, key))).toEqual(OUT_OF_BOUNDS);
    expect((await post(`${APPS}/${app.id}/secrets`, token)).status).toBe(201);
  });

  test('these are the scopes of the routes that take tokens alone', () => {
    const routes = ROUTES.filter(({ credentials }) => credentials !== undefined);
    expect(new Set(routes.map(({ scope }) => scope))).toEqual(TOKENS_ALONE);
  });

  test('it makes no application and no secret, which would have no bounds', async () => {
    const { key } = await api.createKey(tenant, { ipAllowlist: ['127.0.0.1'] });
    const free = await api.createKey(tenant);
    expect(outcome(await post(APPS, key, robot('quality:read')))).toEqual(OUT_OF_BOUNDS);
    const { body: app } = await post(APPS, free.key, robot('quality:read'));
    expect(outcome(await post(`${APPS}/${app.id}/secrets`, key))).toEqual(OUT_OF_BOUNDS);
  });

  test('it revokes and rotates itself, with api-keys:write alone', async () => {
    const itself = await api.createKey(tenant, { scopes: ['api-keys:write'] });
    expect((await post(`${KEYS}/${itself.apiKey.id}/rotate`, itself.key)).status).toBe(201);
    expect((await post(`${KEYS}/${itself.apiKey.id}/revoke`, itself.key)).status).toBe(200);
    expect((await post(KEYS, itself.key, { name: 'Script' })).status).toBe(401);
    const reader = await api.createKey(tenant, { scopes: ['api-keys:read'] });
    expect(outcome(await post(`${KEYS}/${reader.apiKey.id}/revoke`, reader.key))).toEqual(LACKS);
  });

  test('it does not change the organization, whose allowlist bounds it', async () => {
    const { key } = await api.createKey(tenant);
    const refused = await api.call('PATCH', '/api/v2/organization', {
      token: key,
      body: { ip_allowlist: [] },
    });
    expect(refused.status).toBe(403);
  });
});

test('a range that lies within the allowlist holds no address outside of it', () => {
  const range = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([ip, bits]) => `${ip}/${bits}`);
  const least = (text: string) => {
    const [ip = '', bits] = text.split('/');
    const value = ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    const size = 2 ** (32 - Number(bits));
    const first = Math.floor(value / size) * size;
    return [first, first + size - 1] as const;
  };
  fc.assert(
    fc.property(range, range, (outer, inner) => {
      const [from, to] = least(outer);
      const [first, last] = least(inner);
      const own = { ipAllowlist: [outer], expiresAt: null, rateLimit: null };
      const check = () => requireWithin(own, { ...own, ipAllowlist: [inner] });
      if (first >= from && last <= to) expect(check).not.toThrow();
      else expect(check).toThrow('ip_allowlist');
    }),
    { numRuns: 500 },
  );
});
