import { mintApiKey, newId } from '@latchkey/protocol';
import {
  disableOrganization,
  enableOrganization,
  reportLeakedApiKey,
  revokeApiKey,
  updateOrganization,
} from '@latchkey/registry';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { makeApiKey, operatorOf, withAnotherSecret } from './support/api-keys.ts';
import { basic, postForm } from './support/http.ts';
import type { RegisteredClient } from './support/records.ts';
import { useScene } from './support/scene.ts';

let time = 0;
const lines: string[] = [];
const scene = useScene({
  now: () => new Date(Date.now() + time),
  logs: { write: (line) => void lines.push(line) },
});
let gateway: RegisteredClient;
let stranger: RegisteredClient;
let tokensOnly: RegisteredClient;

beforeAll(async () => {
  const { records, stores } = scene;
  const asResourceServer = {
    application_type: 'resource_server',
    grant_types: [],
    redirect_uris: [],
  } as const;
  // The operator's own, so that they outlive what happens to the organisation.
  const add = () => records.addClient({ ...asResourceServer, grant_types: [], redirect_uris: [] }, null);
  [gateway, stranger, tokensOnly] = [await add(), await add(), await add()];
  const { resourceServers } = stores.durable;
  const { id } = records.resourceServer;
  await resourceServers.update(id, { introspectionClientId: gateway.id, acceptsApiKeys: true });
  const { createdAt: _c, updatedAt: _u, ...standard } = records.resourceServer;
  const other = (identifier: string, changes: object) =>
    resourceServers.create({
      ...standard,
      isDefault: false,
      id: newId('resourceServer'),
      identifier,
      ...changes,
    });
  await other('https://tokens.example.com', { introspectionClientId: tokensOnly.id });
  await other('https://telemetry.example.com', {
    introspectionClientId: stranger.id,
    acceptsApiKeys: true,
    scopes: { 'telemetry:read': 'Read telemetry' },
  });
  await stores.shared[0]?.feed.publish({ type: 'resource_server', id });
});

const introspect = (token: string, as: RegisteredClient = gateway) =>
  postForm(`${scene.auth.issuer}/oauth/introspect`, { token }, basic(as));
const isActive = async (token: string) => (await introspect(token)).body.active;
const revoke = (token: string, headers: Record<string, string> = {}, more: Record<string, string> = {}) =>
  postForm(`${scene.auth.issuer}/oauth/revoke`, { token, ...more }, headers);
describe('introspection of an API key', () => {
  test('tells a resource server that takes keys all it needs to enforce', async () => {
    const expiresAt = new Date(Date.now() + 3_600_500);
    const { key, apiKey } = await makeApiKey(scene, {
      ipAllowlist: ['203.0.113.0/24'],
      rateLimit: 100,
      expiresAt,
    });
    const { status, headers, body } = await introspect(key);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      active: true,
      token_type: 'api_key',
      iss: scene.auth.issuer,
      sub: apiKey.id,
      scope: 'work-orders:read',
      org_id: scene.records.organizationId,
      env: 'live',
      plan: 'professional',
      iat: Math.floor(apiKey.createdAt.getTime() / 1000),
      exp: Math.floor(expiresAt.getTime() / 1000),
      ip_allowlist: ['203.0.113.0/24'],
      rate_limit: 100,
      organization_rate_limit: 10_000,
    });
  });

  test('names what the organisation has set for itself, and nothing that is not set', async () => {
    const { key } = await makeApiKey(scene);
    const { body: before } = await introspect(key);
    for (const absent of ['exp', 'ip_allowlist', 'organization_ip_allowlist', 'rate_limit']) {
      expect(before).not.toHaveProperty(absent);
    }
    const { organizationId } = scene.records;
    const own = { rate_limit: 77, ip_allowlist: ['2001:db8::/32'] };
    await updateOrganization(operatorOf(scene), organizationId, own);
    try {
      await vi.waitFor(async () => {
        const { body } = await introspect(key);
        expect(body).toMatchObject({
          organization_rate_limit: 77,
          organization_ip_allowlist: ['2001:db8::/32'],
        });
      });
    } finally {
      await updateOrganization(operatorOf(scene), organizationId, { rate_limit: null, ip_allowlist: [] });
    }
  });

  test('tells each resource server of its own scopes alone', async () => {
    const { key } = await makeApiKey(scene, { scopes: ['work-orders:read', 'telemetry:read'] });
    expect((await introspect(key, gateway)).body.scope).toBe('work-orders:read');
    expect((await introspect(key, stranger)).body.scope).toBe('telemetry:read');
    const { key: foreign } = await makeApiKey(scene, { scopes: ['telemetry:read'] });
    expect((await introspect(foreign, gateway)).body).toMatchObject({ active: true, scope: '' });
  });

  test('is inactive, and nothing more, for any other client', async () => {
    const { key } = await makeApiKey(scene);
    for (const client of [scene.client, tokensOnly]) {
      expect((await introspect(key, client)).body).toEqual({ active: false });
    }
  });

  test('without client authentication is refused', async () => {
    const { key } = await makeApiKey(scene);
    const { status, body } = await introspect(key, { ...gateway, secret: 'wrong' });
    expect({ status, error: body.error }).toEqual({ status: 401, error: 'invalid_client' });
  });

  test('is inactive, and nothing more, for a key that is not one of ours', async () => {
    const { key } = await makeApiKey(scene);
    const changed = key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A');
    const otherEnvironment = key.replace('sk_live_', 'sk_test_');
    const values = [
      mintApiKey('live').key,
      withAnotherSecret(key),
      changed,
      otherEnvironment,
      'sk_live_x',
      `${key}x`,
    ];
    for (const value of values) {
      const { status, body } = await introspect(value);
      expect([status, body], value).toEqual([200, { active: false }]);
    }
  });

  test('is inactive at once for a revoked and a leaked key, and at its time for an expired one', async () => {
    const { key: revoked, apiKey } = await makeApiKey(scene);
    const { key: leaked, apiKey: published } = await makeApiKey(scene);
    const { key: short } = await makeApiKey(scene, { expiresAt: new Date(Date.now() + 60_000) });
    expect(await Promise.all([revoked, leaked, short].map(isActive))).toEqual([true, true, true]);
    await revokeApiKey(operatorOf(scene), apiKey.id);
    await reportLeakedApiKey(operatorOf(scene), published.id, { url: '', source: 'test' });
    expect((await introspect(revoked)).body).toEqual({ active: false });
    expect((await introspect(leaked)).body).toEqual({ active: false });
    time = 60_001;
    try {
      expect((await introspect(short)).body).toEqual({ active: false });
    } finally {
      time = 0;
    }
  });

  test('is inactive while its organisation is disabled', async () => {
    const { key } = await makeApiKey(scene);
    const { organizationId } = scene.records;
    await disableOrganization(operatorOf(scene), organizationId);
    try {
      await vi.waitFor(async () => expect((await introspect(key)).body).toEqual({ active: false }));
    } finally {
      await enableOrganization(operatorOf(scene), organizationId);
    }
    await vi.waitFor(async () => expect(await isActive(key)).toBe(true));
  });

  test('answers a resource server that authenticates with a key of its own the same', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig', kid: 'k1' };
    const client = await scene.records.addClient({
      application_type: 'resource_server',
      grant_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
    });
    const { id, introspectionClientId } = scene.records.resourceServer;
    const { resourceServers } = scene.stores.durable;
    await resourceServers.update(id, { introspectionClientId: client.id });
    const { key, apiKey } = await makeApiKey(scene);
    const announce = () => scene.stores.shared[0]?.feed.publish({ type: 'resource_server', id });
    const ask = async (token: string) => {
      const assertion = await new SignJWT({ jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
        .setIssuer(client.id)
        .setSubject(client.id)
        .setAudience(scene.auth.issuer)
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(privateKey);
      return postForm(`${scene.auth.issuer}/oauth/introspect`, {
        token,
        client_id: client.id,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      });
    };
    await announce();
    try {
      await vi.waitFor(async () =>
        expect((await ask(key)).body).toMatchObject({ active: true, sub: apiKey.id }),
      );
      expect((await ask(withAnotherSecret(key))).body).toEqual({ active: false });
    } finally {
      await resourceServers.update(id, { introspectionClientId: introspectionClientId ?? gateway.id });
      await announce();
      await vi.waitFor(async () => expect(await isActive(key)).toBe(true));
    }
  });
});

test('no key that was asked about or revoked stands in the log', async () => {
  const { key } = await makeApiKey(scene);
  await introspect(key);
  await introspect(key, { ...gateway, secret: 'wrong' });
  await revoke(key, { origin: 'https://evil.test' });
  await revoke(key);
  await fetch(`${scene.auth.issuer}/oauth/revoke?token=${key}`, { method: 'POST' });
  await fetch(`${scene.auth.issuer}/${encodeURIComponent(key).replaceAll('_', '%5F')}`);
  const secret = key.slice(-49, -6);
  expect(lines.length).toBeGreaterThan(5);
  expect(lines.join('')).not.toContain(secret);
});
