import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startApi, type TestApi } from './harness.ts';

const KEYS = '/api/v2/api-keys';
const APPS = '/api/v2/applications';
const EVERY = ['api-keys:write', 'applications:write', 'quality:read'];
const LACKS = [403, 'insufficient_scope'];

let api: TestApi;
let tenant: Awaited<ReturnType<TestApi['tenant']>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  tenant = await api.tenant();
});

const sign = (scopes: readonly string[], claims: object = {}) =>
  api.issuer.sign({ org_id: tenant.organizationId, env: 'live', scope: scopes.join(' '), ...claims });
const post = (path: string, token: string, body: object = {}) => api.call('POST', path, { token, body });
const outcome = ({ status, body }: Awaited<ReturnType<TestApi['call']>>) => [status, body.error];
const robot = (scope: string) => ({ client_name: 'Robot', application_type: 'machine', scope });

/** The guard lets it in: nothing of what happens to its record is announced. */
describe('a credential that this process believes in still', () => {
  test('gives nothing that was taken from it', async () => {
    const { key, apiKey } = await api.createKey(tenant, { scopes: ['api-keys:write', 'quality:read'] });
    const itself = `${KEYS}/${apiKey.id}`;
    const widening = { token: key, body: { scopes: apiKey.scopes, ip_allowlist: [] } };
    expect((await api.call('PATCH', itself, widening)).status).toBe(200);
    const narrowed = { scopes: ['api-keys:write'], ipAllowlist: ['127.0.0.1'] };
    await api.durable.apiKeys.update(apiKey.id, narrowed);
    expect(outcome(await api.call('PATCH', itself, widening))).toEqual(LACKS);
    expect(await api.durable.apiKeys.find(apiKey.id)).toMatchObject(narrowed);
  });

  test('gives nothing as a token whose client, grant or own time has ended', async () => {
    const { body: app } = await post(APPS, await sign(EVERY), robot('api-keys:write quality:read'));
    const client = { sub: app.id, client_id: app.id };
    const child = { name: 'Child', scopes: ['quality:read'] };
    const scopes = ['api-keys:write', 'quality:read'];
    const token = await sign(scopes, client);
    expect((await post(KEYS, token, child)).status).toBe(201);
    const [revokedAt, expiresAt] = [new Date(), new Date(Date.now() + 3_600_000)];
    await api.durable.revocations.put({ subject: 'token', id: 'jti_1', revokedAt, expiresAt });
    for (const ended of [
      await sign(scopes, { ...client, jti: 'jti_1' }),
      await sign(scopes, { sub: 'user_1', grant_id: 'grant_gone' }),
    ]) {
      expect(outcome(await post(KEYS, ended, child))).toEqual([403, 'forbidden']);
    }
    await api.durable.clients.delete(app.id);
    expect(outcome(await post(KEYS, token, child))).toEqual([403, 'forbidden']);
  });

  test('gives nothing as a key that has ended', async () => {
    const { key, apiKey } = await api.createKey(tenant, { scopes: ['api-keys:write', 'quality:read'] });
    const child = { name: 'Child', scopes: ['quality:read'] };
    expect((await post(KEYS, key, child)).status).toBe(201);
    await api.durable.apiKeys.update(apiKey.id, { revokedAt: new Date() });
    expect(outcome(await post(KEYS, key, child))).toEqual([403, 'forbidden']);
  });
});
