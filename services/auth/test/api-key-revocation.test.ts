import { mintApiKey } from '@latchkey/protocol';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { addGateway, makeApiKey, withAnotherSecret } from './support/api-keys.ts';
import { basic, postForm } from './support/http.ts';
import type { RegisteredClient } from './support/records.ts';
import { useScene } from './support/scene.ts';

const scene = useScene();
let gateway: RegisteredClient;

beforeAll(async () => {
  gateway = await addGateway(scene);
});

const isActive = async (token: string) =>
  (await postForm(`${scene.auth.issuer}/oauth/introspect`, { token }, basic(gateway))).body.active;
const revoke = (token: string, headers: Record<string, string> = {}, more: Record<string, string> = {}) =>
  postForm(`${scene.auth.issuer}/oauth/revoke`, { token, ...more }, headers);

describe('revocation of an API key', () => {
  test('by its holder needs nothing but the key, and counts at once', async () => {
    const { key, apiKey } = await makeApiKey(scene);
    const { status, headers, body } = await revoke(key);
    expect({ status, type: headers.get('content-type'), body }).toEqual({
      status: 200,
      type: null,
      body: {},
    });
    expect(await isActive(key)).toBe(false);
    const record = await scene.stores.durable.apiKeys.find(apiKey.id);
    expect(record?.revokedAt).toBeInstanceOf(Date);
  });

  test('ends it with white space around it, from a page of another origin as well', async () => {
    const [direct, fromPage] = [await makeApiKey(scene), await makeApiKey(scene)];
    const { id } = await scene.records.addClient({
      application_type: 'spa',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
    });
    expect((await revoke(` ${direct.key}\r\n`)).status).toBe(200);
    const page = { origin: 'https://app.example.com' };
    expect((await revoke(`${fromPage.key}\n`, page, { client_id: id })).status).toBe(200);
    for (const { key } of [direct, fromPage]) expect(await isActive(key)).toBe(false);
  });

  test('is recorded once: who, what, from where, result, request', async () => {
    const { key, apiKey } = await makeApiKey(scene);
    const { headers } = await revoke(key);
    await revoke(key);
    const { auditEvents } = scene.stores.durable;
    const events = await auditEvents.list({ targetId: apiKey.id, action: 'api_key.revoked', limit: 10 });
    expect(events).toEqual([
      expect.objectContaining({
        actor: { type: 'api_key', id: apiKey.id },
        target: { type: 'api_key', id: apiKey.id },
        organizationId: scene.records.organizationId,
        result: 'success',
        ip: expect.stringContaining('127.0.0.1'),
        requestId: headers.get('x-request-id'),
      }),
    ]);
  });

  test('is announced to every process', async () => {
    const { key, apiKey } = await makeApiKey(scene);
    const heard: unknown[] = [];
    const follower = await scene.stores.shared[1]?.feed.follow({
      onEvent: (event) => void heard.push(event),
      onGap: () => undefined,
    });
    await revoke(key);
    await vi.waitFor(() => expect(heard).toContainEqual({ type: 'api_key', id: apiKey.id }));
    await follower?.close();
  });

  test('answers alike for a key that is right, revoked, wrong, mistyped or unknown, and revokes no other', async () => {
    const { key } = await makeApiKey(scene);
    const { key: right } = await makeApiKey(scene);
    const values = [right, right, withAnotherSecret(key), `${key}x`, mintApiKey('test').key, 'sk_live_'];
    const answers = await Promise.all(
      values.map(async (value) => {
        const { status, headers, body } = await revoke(value);
        return { status, body, length: headers.get('content-length'), type: headers.get('content-type') };
      }),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await isActive(key)).toBe(true);
  });

  test.each(['the secret of a client', 'a wrong secret'])('works with %s as well', async (which) => {
    const { key } = await makeApiKey(scene);
    const client = which === 'a wrong secret' ? { ...scene.client, secret: 'wrong' } : scene.client;
    expect((await revoke(key, basic(client), { token_type_hint: 'api_key' })).status).toBe(200);
    expect(await isActive(key)).toBe(false);
  });

  test('from a page is for the page of a client, as for other tokens', async () => {
    const { key } = await makeApiKey(scene);
    expect((await revoke(key, { origin: 'https://evil.test' })).status).toBeGreaterThanOrEqual(400);
    expect(await isActive(key)).toBe(true);
    const spa = await scene.records.addClient({
      application_type: 'spa',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    });
    const own = await revoke(key, { origin: 'https://app.example.com' }, { client_id: spa.id });
    expect(own.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect({ status: own.status, type: own.headers.get('content-type') }).toEqual({
      status: 200,
      type: null,
    });
    expect(await isActive(key)).toBe(false);
  });

  test('is no way to revoke two at once', async () => {
    const { key } = await makeApiKey(scene);
    const body = `token=${key}&token=${key}`;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const { status } = await fetch(`${scene.auth.issuer}/oauth/revoke`, { method: 'POST', headers, body });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(await isActive(key)).toBe(true);
  });
});

describe('an API key in the URL', () => {
  const exposures = (targetId: string) =>
    scene.stores.durable.auditEvents.list({ action: 'api_key.exposed_in_url', targetId, limit: 10 });
  const send = (path: string, key: string, form: Record<string, string>) =>
    postForm(`${scene.auth.issuer}/oauth/${path}?token=${key}`, form, basic(gateway));

  test.each(['introspect', 'revoke'])('is refused at %s, says why, and is noted once', async (path) => {
    const { key, apiKey } = await makeApiKey(scene);
    for (const spelling of [key, key.replaceAll('_', '%5F'), key]) {
      const { status, body } = await send(path, spelling, { token: key });
      expect(status).toBe(400);
      expect(body.error).toBe('invalid_request');
      expect(body.error_description).toContain('never in the URL');
    }
    expect(await isActive(key)).toBe(true);
    const events = await exposures(apiKey.id);
    expect(events).toEqual([
      expect.objectContaining({
        organizationId: scene.records.organizationId,
        actor: { type: 'api_key', id: apiKey.id },
        ip: expect.stringContaining('127.0.0.1'),
        requestId: expect.any(String),
      }),
    ]);
    expect(JSON.stringify(events)).not.toContain(key);
  });

  test.each([
    ['GET', '/oauth/revoke?token=KEY', 'query'],
    ['GET', '/oauth/introspect?token=KEY', 'query'],
    ['GET', '/oauth/revoke/KEY', 'path'],
    ['POST', '/oauth/token?token=KEY', 'query'],
    ['GET', '/oauth/authorize?login_hint=KEY', 'query'],
    ['GET', '/nowhere/KEY/', 'path'],
    ['DELETE', '/OAUTH/revoke/%2573k_live_KEY', 'path'],
    ['GET', '/oauth/jwks?key=KEY', 'query'],
  ])('is refused and noted whatever is asked for: %s %s', async (method, target, where) => {
    const { key, apiKey } = await makeApiKey(scene);
    const path = target.replace('%2573k_live_KEY', key.replace('s', '%2573')).replace('KEY', key);
    const response = await fetch(`${scene.auth.issuer}${path}`, { method, redirect: 'manual' });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('never in the URL');
    expect(await exposures(apiKey.id)).toEqual([expect.objectContaining({ details: { where } })]);
    expect(await isActive(key)).toBe(true);
  });

  test('that nobody issued is refused alike, and nobody is told', async () => {
    const { key, apiKey } = await makeApiKey(scene);
    const { status, body } = await send('revoke', withAnotherSecret(key), {});
    expect(status).toBe(400);
    expect(body.error_description).toContain('never in the URL');
    expect(await exposures(apiKey.id)).toEqual([]);
  });
});
