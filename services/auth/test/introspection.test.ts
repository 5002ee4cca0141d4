import { newId } from '@latchkey/protocol';
import { decodeJwt } from 'jose';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { basic, postForm, refresh, signIn } from './support/http.ts';
import { API, type RegisteredClient } from './support/records.ts';
import { useScene } from './support/scene.ts';

const OPAQUE_API = 'https://opaque.example.com';
const scene = useScene({ instances: 2 });
let api: RegisteredClient;
let stranger: RegisteredClient;

beforeAll(async () => {
  const { records, stores } = scene;
  api = await records.addClient({ application_type: 'resource_server', grant_types: [], redirect_uris: [] });
  stranger = await records.addClient();
  const { resourceServers } = stores.durable;
  await resourceServers.update(records.resourceServer.id, { introspectionClientId: api.id });
  const { createdAt: _c, updatedAt: _u, ...standard } = records.resourceServer;
  await resourceServers.create({
    ...standard,
    id: newId('resourceServer'),
    identifier: OPAQUE_API,
    tokenFormat: 'opaque',
    isDefault: false,
    introspectionClientId: stranger.id,
  });
  await stores.shared[0]?.feed.publish({ type: 'resource_server', id: records.resourceServer.id });
});

const introspect = (token: string, as: RegisteredClient) =>
  postForm(`${scene.auth.issuer}/oauth/introspect`, { token }, basic(as));
const revoke = (token: string, as: RegisteredClient) =>
  postForm(`${scene.auth.issuer}/oauth/revoke`, { token }, basic(as));
const clientToken = async (resource = API) => {
  const form = { grant_type: 'client_credentials', scope: 'work-orders:read', resource };
  const { body } = await postForm(`${scene.auth.issuer}/oauth/token`, form, basic(scene.client));
  return body.access_token ?? '';
};
const userTokens = async (scope = 'openid work-orders:read') => {
  const { client, auth, records } = scene;
  const { body } = await signIn(auth.issuer, { client, email: records.account.email, scope });
  return { access: body.access_token ?? '', refresh: body.refresh_token ?? '' };
};

describe('introspection', () => {
  test.each([
    ['its own client', () => scene.client, true],
    ['the resource server it is for', () => api, true],
    ['another confidential client', () => stranger, false],
  ])('of a JWT answers %s by the policy', async (_who, caller, active) => {
    const token = await clientToken();
    const { status, body } = await introspect(token, caller());
    expect(status).toBe(200);
    if (active) expect(body).toMatchObject({ active, token_type: 'Bearer', ...decodeJwt(token) });
    else expect(body).toEqual({ active: false });
  });

  test.each([
    ['its own client', () => scene.client, true],
    ['the resource server it is for', () => stranger, true],
    ['another resource server', () => api, false],
  ])('of an opaque token answers %s by the policy', async (_who, caller, active) => {
    const { status, body } = await introspect(await clientToken(OPAQUE_API), caller());
    expect(status).toBe(200);
    if (active)
      expect(body).toMatchObject({ active, aud: OPAQUE_API, client_id: scene.client.id, env: 'test' });
    else expect(body).toEqual({ active: false });
  });

  test('of a refresh token answers its own client alone', async () => {
    const tokens = await userTokens();
    expect((await introspect(tokens.refresh, scene.client)).body).toMatchObject({ active: true });
    expect((await introspect(tokens.refresh, api)).body).toEqual({ active: false });
  });

  test('of anything that is not a token of ours is inactive', async () => {
    const token = await clientToken();
    const tampered = `${token.slice(0, -6)}AAAAAA`;
    for (const value of ['x', 'a.b.c', tampered, `${'x'.repeat(43)}`, 'eyJhbGciOiJub25lIn0.e30.']) {
      expect((await introspect(value, scene.client)).body, value).toEqual({ active: false });
    }
  });

  test('without client authentication is refused', async () => {
    const { status, body } = await introspect(await clientToken(), { ...scene.client, secret: 'wrong' });
    expect({ status, error: body.error }).toEqual({ status: 401, error: 'invalid_client' });
  });

  test('of an ID token is inactive', async () => {
    const { client, auth, records } = scene;
    const { body } = await signIn(auth.issuer, { client, email: records.account.email, scope: 'openid' });
    expect((await introspect(body.id_token ?? '', client)).body).toEqual({ active: false });
  });
});

describe('revocation', () => {
  test('of a JWT ends it at once, answers an empty untyped 200, and leaves the refresh token', async () => {
    const tokens = await userTokens();
    const { status, headers, body } = await revoke(tokens.access, scene.client);
    expect(status).toBe(200);
    expect(headers.has('content-type')).toBe(false);
    expect(body).toEqual({});
    expect((await introspect(tokens.access, api)).body).toEqual({ active: false });
    expect((await refresh(scene.auth.issuer, scene.client, tokens.refresh)).status).toBe(200);
  });

  test('of a refresh token ends the access tokens of its grant', async () => {
    const tokens = await userTokens();
    expect((await introspect(tokens.access, api)).body).toMatchObject({ active: true });
    const { status, headers } = await revoke(tokens.refresh, scene.client);
    expect({ status, type: headers.get('content-type') }).toEqual({ status: 200, type: null });
    expect((await introspect(tokens.access, api)).body).toEqual({ active: false });
    const revocations = await scene.stores.durable.revocations.list();
    expect(revocations).toContainEqual(
      expect.objectContaining({ subject: 'grant', id: decodeJwt(tokens.access).grant_id }),
    );
  });

  test('ends a token with white space around it', async () => {
    const { access, refresh: token } = await userTokens();
    for (const each of [access, token]) {
      expect((await revoke(`${each}\n`, scene.client)).status).toBe(200);
      expect((await introspect(each, scene.client)).body).toEqual({ active: false });
    }
  });

  test('of a refresh token ends the opaque access tokens of its grant; of an opaque one, that one alone', async () => {
    const one = await userTokens('openid');
    const { body } = await refresh(scene.auth.issuer, scene.client, one.refresh);
    const second = { access: body.access_token ?? '', refresh: body.refresh_token ?? '' };
    await revoke(one.access, scene.client);
    expect((await introspect(one.access, scene.client)).body).toEqual({ active: false });
    expect((await introspect(second.access, scene.client)).body).toMatchObject({ active: true });
    await revoke(second.refresh, scene.client);
    expect((await introspect(second.access, scene.client)).body).toEqual({ active: false });
  });

  test.each([
    ['a refresh token', 'grant.revoked', async () => (await userTokens()).refresh],
    ['a JWT', 'token.revoked', () => clientToken()],
    ['an opaque token', 'token.revoked', () => clientToken(OPAQUE_API)],
  ])(
    'of %s is for its organisation to read in the audit log, without the token',
    async (_what, action, get) => {
      const { client, records, stores } = scene;
      const token = await get();
      const { headers } = await revoke(token, client);
      await vi.waitFor(async () => {
        const filter = { organizationId: records.organizationId, action, limit: 50 };
        const events = (await stores.durable.auditEvents.list(filter)).filter(
          ({ requestId }) => requestId === headers.get('x-request-id'),
        );
        const actor = { type: 'client', id: client.id };
        const ip = expect.stringContaining('127.0.0.1');
        expect(events).toEqual([expect.objectContaining({ actor, ip, result: 'success' })]);
        expect(JSON.stringify(events)).not.toContain(token);
      });
    },
  );

  test('of another client’s JWT is refused, and does nothing', async () => {
    const token = await clientToken();
    const { status, body } = await revoke(token, stranger);
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
    expect((await introspect(token, scene.client)).body).toMatchObject({ active: true });
  });

  test('of another client’s opaque or refresh token does nothing', async () => {
    const opaque = await clientToken(OPAQUE_API);
    const tokens = await userTokens();
    for (const token of [opaque, tokens.refresh]) {
      const { headers } = await revoke(token, api);
      expect((await introspect(token, scene.client)).body).toMatchObject({ active: true });
      const events = await scene.stores.durable.auditEvents.list({ actorId: api.id, limit: 50 });
      expect(events.map(({ requestId }) => requestId)).not.toContain(headers.get('x-request-id'));
    }
  });

  test('of nonsense succeeds', async () => {
    for (const token of ['nonsense', 'a.b.c']) expect((await revoke(token, scene.client)).status).toBe(200);
  });

  test.each(['client', 'account', 'member', 'organization'] as const)(
    'of a %s reaches JWTs issued before it, at once',
    async (subject) => {
      const { access } = await userTokens();
      const { sub, org_id, iat = 0 } = decodeJwt(access);
      const ids = {
        client: scene.client.id,
        account: String(sub),
        member: `${org_id}/${sub}`,
        organization: String(org_id),
      };
      expect((await introspect(access, api)).body).toMatchObject({ active: true });
      const { revocations } = scene.stores.durable;
      const expiresAt = new Date(Date.now() + 3_600_000);
      await revocations.put({ subject, id: ids[subject], revokedAt: new Date(iat * 1000), expiresAt });
      expect((await introspect(access, api)).body).toEqual({ active: false });
      await revocations.purge(new Date(expiresAt.getTime() + 1));
    },
  );
});

describe('userinfo', () => {
  const userinfo = (token: string, query = '') =>
    fetch(`${scene.auth.issuer}/oauth/userinfo${query}`, { headers: { authorization: `Bearer ${token}` } });

  test('takes a JWT that was issued with openid, and answers by scope', async () => {
    const { access } = await userTokens('openid email work-orders:read');
    expect(decodeJwt(access)).toMatchObject({
      aud: [API, `${scene.auth.issuer}/oauth/userinfo`],
      scope: 'openid email work-orders:read',
    });
    const response = await userinfo(access);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      sub: scene.records.account.id,
      email: scene.records.account.email,
      email_verified: true,
    });
  });

  test('takes the opaque token of a request for identity alone', async () => {
    const { access } = await userTokens('openid profile');
    expect(await (await userinfo(access)).json()).toMatchObject({ name: 'Ada' });
  });

  test('refuses JWTs without openid, of clients, and revoked ones', async () => {
    const revoked = await userTokens();
    await revoke(revoked.access, scene.client);
    const tokens = [(await userTokens('work-orders:read')).access, await clientToken(), revoked.access];
    for (const token of tokens) expect((await userinfo(token)).status).toBe(401);
  });

  test('refuses a token in the query', async () => {
    const { access } = await userTokens();
    const response = await fetch(`${scene.auth.issuer}/oauth/userinfo?access_token=${access}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
  });
});
