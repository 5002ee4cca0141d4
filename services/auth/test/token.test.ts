import { createRemoteJWKSet, decodeJwt, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { authorize, basic, postForm, readAnswer, redeem, refresh, signIn } from './support/http.ts';
import { API, addSecret, REDIRECT_URI } from './support/records.ts';
import { useScene } from './support/scene.ts';

const scene = useScene({ instances: 2 });
const url = () => `${scene.auth.issuer}/oauth/token`;
const token = (form: Record<string, string>, headers = basic(scene.client)) => postForm(url(), form, headers);
const postJson = async (body: unknown, headers: Record<string, string> = {}) =>
  readAnswer(
    await fetch(url(), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  );
const email = () => scene.records.account.email;
const CLIENT_CREDENTIALS = { grant_type: 'client_credentials', scope: 'work-orders:read' };

describe('client credentials', () => {
  test('give a JWT for the default API that verifies against the published keys', async () => {
    const { status, body } = await token(CLIENT_CREDENTIALS);
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'work-orders:read' });
    const keys = createRemoteJWKSet(new URL(`${scene.auth.issuer}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(body.access_token ?? '', keys, {
      issuer: scene.auth.issuer,
      audience: API,
      typ: 'at+jwt',
    });
    expect(protectedHeader.alg).toBe('ES256');
    const { client, records } = scene;
    expect(payload).toMatchObject({ sub: client.id, client_id: client.id, org_id: records.organizationId });
    expect(payload).toMatchObject({ plan: 'professional', env: 'test' });
    expect(payload).not.toHaveProperty('role');
  });

  test('without a scope give every registered scope but those asked for by name', async () => {
    const { body } = await token({ grant_type: 'client_credentials' });
    expect(body.scope).toContain('work-orders:read work-orders:write');
    expect(body.scope).not.toContain('organization:read');
    expect((await token({ ...CLIENT_CREDENTIALS, scope: 'organization:read' })).body.scope).toBe(
      'organization:read',
    );
  });

  test('refuse a scope the client is not registered for', async () => {
    const narrow = await scene.records.addClient({ scope: 'work-orders:read' });
    for (const scope of ['work-orders:write', 'work-orders:read inventory:read', 'nonsense']) {
      const { status, body } = await token({ ...CLIENT_CREDENTIALS, scope }, basic(narrow));
      expect({ status, error: body.error }, scope).toEqual({ status: 400, error: 'invalid_scope' });
    }
  });

  test('refuse an unknown resource', async () => {
    for (const resource of ['https://other.example.com', 'not a url']) {
      const { status, body } = await token({ ...CLIENT_CREDENTIALS, resource });
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_target' });
    }
  });
});

describe('client authentication', () => {
  test('takes any live secret, and none that ended', async () => {
    const { durable } = scene.stores;
    const client = await scene.records.addClient();
    const { pepper } = scene.auth.config;
    const second = await addSecret(durable, pepper, client.id, new Date(Date.now() + 60_000));
    const ended = await addSecret(durable, pepper, client.id, new Date(Date.now() - 1));
    const attempt = async (secret: string) =>
      (await token(CLIENT_CREDENTIALS, basic({ ...client, secret }))).status;
    expect(await attempt(client.secret)).toBe(200);
    expect(await attempt(second)).toBe(200);
    expect(await attempt(ended)).toBe(401);
    expect(await attempt('kept-as-digests')).toBe(401);
  });

  test('takes a private_key_jwt assertion once, whichever server it reaches', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const { id } = await scene.records.addClient({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(publicKey)) }] },
    });
    const assertion = await new SignJWT({
      iss: id,
      sub: id,
      aud: scene.auth.issuer,
      jti: crypto.randomUUID(),
    })
      .setProtectedHeader({ alg: 'ES256' })
      .setExpirationTime('1m')
      .sign(privateKey);
    const form = {
      ...CLIENT_CREDENTIALS,
      client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    };
    const answers = await Promise.all(Array.from({ length: 20 }, () => token(form, {})));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      200,
      ...Array.from({ length: 19 }, () => 401),
    ]);
  });

  test('hears at once that a client was disabled', async () => {
    const client = await scene.records.addClient();
    expect((await token(CLIENT_CREDENTIALS, basic(client))).status).toBe(200);
    await scene.stores.durable.clients.update(client.id, { disabledAt: new Date() });
    await scene.stores.shared[0]?.feed.publish({ type: 'client', id: client.id });
    await expect
      .poll(async () => (await token(CLIENT_CREDENTIALS, basic(client))).status, { timeout: 2000 })
      .toBe(401);
  });

  test('refuses a client whose organisation is disabled', async () => {
    const { organizations } = scene.stores.durable;
    const { organizationId } = scene.records;
    await organizations.update(organizationId, { disabledAt: new Date() });
    const revocation = { subject: 'organization', id: organizationId } as const;
    const times = { revokedAt: new Date(0), expiresAt: new Date(1) };
    await scene.stores.shared[0]?.feed.publish({
      type: 'revocation',
      revocation: { ...revocation, ...times },
    });
    await expect
      .poll(async () => (await token(CLIENT_CREDENTIALS)).body.error, { timeout: 2000 })
      .toBe('invalid_client');
    await organizations.update(organizationId, { disabledAt: null });
  });
});

describe('JSON bodies', () => {
  const credentials = () => ({ client_id: scene.client.id, client_secret: scene.client.secret });

  test('give the same as forms', async () => {
    const { status, body } = await postJson({ ...CLIENT_CREDENTIALS, ...credentials() });
    expect({ status, scope: body.scope }).toEqual({ status: 200, scope: 'work-orders:read' });
  });

  test.each([
    ['not JSON', '{', 400, 'invalid_request'],
    ['an array', [], 400, 'invalid_request'],
    ['a string', '"x"', 400, 'invalid_request'],
    ['nothing', '', 400, 'invalid_request'],
    ['values that are not strings', { grant_type: 1 }, 400, 'invalid_request'],
    ['nested objects', { grant_type: { $ne: '' } }, 400, 'invalid_request'],
    ['no client', { grant_type: 'password' }, 401, 'invalid_client'],
    ['too much', { grant_type: 'x'.repeat(60_000) }, 413, 'payload_too_large'],
  ])('that hold %s are refused with an error that names no internals', async (_what, body, status, error) => {
    const answer = await postJson(body);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ error, request_id: expect.any(String) });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });
});

describe('authorization code', () => {
  test('gives tokens that carry the seat, an ID token, and a refresh token without offline_access', async () => {
    const scope = 'openid profile email work-orders:read';
    const { status, body } = await signIn(scene.auth.issuer, { client: scene.client, email: email(), scope });
    expect(status).toBe(200);
    expect(body).toMatchObject({ scope, refresh_token: expect.any(String) });
    expect(decodeJwt(body.access_token ?? '')).toMatchObject({
      sub: scene.records.account.id,
      grant_id: expect.stringMatching(/^grant_/),
      org_id: scene.records.organizationId,
      role: 'owner',
      plan: 'professional',
      env: 'test',
    });
    const keys = createRemoteJWKSet(new URL(`${scene.auth.issuer}/oauth/jwks`));
    const verified = await jwtVerify(body.id_token ?? '', keys, {
      issuer: scene.auth.issuer,
      audience: scene.client.id,
      algorithms: ['ES256'],
    });
    expect(verified.payload).toMatchObject({ sub: scene.records.account.id });
  });

  test('signs ID tokens with RS256 for a client that asks for it', async () => {
    const client = await scene.records.addClient({ id_token_signed_response_alg: 'RS256' });
    const { body } = await signIn(scene.auth.issuer, { client, email: email(), scope: 'openid' });
    const keys = createRemoteJWKSet(new URL(`${scene.auth.issuer}/oauth/jwks`));
    await jwtVerify(body.id_token ?? '', keys, { audience: client.id, algorithms: ['RS256'] });
  });

  test('needs PKCE unless the client is a confidential exception', async () => {
    const asks = async (overrides: Parameters<typeof scene.records.addClient>[0]) => {
      const client = await scene.records.addClient(overrides);
      return (await authorize(scene.auth.issuer, { client, email: email(), scope: 'openid', pkce: false }))
        .answer;
    };
    expect((await asks({})).get('error')).toBe('invalid_request');
    expect((await asks({ require_pkce: false })).has('code')).toBe(true);
    const spa = { application_type: 'spa', token_endpoint_auth_method: 'none', require_pkce: false } as const;
    const grant_types = ['authorization_code', 'refresh_token'] as ('authorization_code' | 'refresh_token')[];
    expect((await asks({ ...spa, grant_types })).get('error')).toBe('invalid_request');
  });

  test('refuses a wrong code verifier, and names the issuer in its answers', async () => {
    const flow = await authorize(scene.auth.issuer, {
      client: scene.client,
      email: email(),
      scope: 'openid',
    });
    expect(flow.answer.get('iss')).toBe(scene.auth.issuer);
    const wrong = { ...flow, verifier: 'x'.repeat(43) };
    expect((await redeem(scene.auth.issuer, scene.client, wrong)).body.error).toBe('invalid_grant');
  });

  test('asks for consent once, and issues a grant of its own for each flow', async () => {
    const client = await scene.records.addClient();
    const request = { client, email: email(), scope: 'openid work-orders:read' };
    const one = await authorize(scene.auth.issuer, request);
    const query = new URLSearchParams({
      client_id: client.id,
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      scope: request.scope,
      prompt: 'none',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    });
    const silent = await one.browser.open(`/oauth/authorize?${query}`);
    expect(silent.at.searchParams.has('code')).toBe(true);
    const two = await authorize(scene.auth.issuer, { ...request, browser: one.browser });
    const grants = await Promise.all([one, two].map((flow) => redeem(scene.auth.issuer, client, flow)));
    const ids = grants.map(({ body }) => decodeJwt(body.access_token ?? '').grant_id);
    expect(new Set(ids).size).toBe(2);
  });

  test('gives no more than the role allows when it has changed since', async () => {
    const { organizations } = scene.stores.durable;
    const { organizationId, account } = scene.records;
    const scope = 'work-orders:read work-orders:write';
    const { body } = await signIn(scene.auth.issuer, { client: scene.client, email: email(), scope });
    await organizations.putMember({ organizationId, accountId: account.id, role: 'viewer' });
    const refreshed = await refresh(scene.auth.issuer, scene.client, body.refresh_token ?? '');
    expect(refreshed.body.scope).toBe('work-orders:read');
    expect(decodeJwt(refreshed.body.access_token ?? '')).toMatchObject({ role: 'viewer' });
    await organizations.putMember({ organizationId, accountId: account.id, role: 'owner' });
  });

  test('is refused for an account that was disabled since', async () => {
    const { accounts } = scene.stores.durable;
    const { account } = scene.records;
    const { body } = await signIn(scene.auth.issuer, {
      client: scene.client,
      email: email(),
      scope: 'openid',
    });
    await accounts.update(account.id, { disabledAt: new Date() });
    const refused = await refresh(scene.auth.issuer, scene.client, body.refresh_token ?? '');
    expect(refused.body.error).toBe('invalid_grant');
    await accounts.update(account.id, { disabledAt: null });
  });

  test('and a code alike are refused when the account’s sign-ins were ended since', async () => {
    const { issuer } = scene.auth;
    const request = { client: scene.client, email: email(), scope: 'openid' };
    const { body } = await signIn(issuer, request);
    const flow = await authorize(issuer, request);
    await scene.stores.durable.accounts.endSignIns(scene.records.account.id);
    const redeemed = await redeem(issuer, scene.client, flow);
    expect(redeemed.body.error).toBe('invalid_grant');
    const refreshed = await refresh(issuer, scene.client, body.refresh_token ?? '');
    expect(refreshed.body.error).toBe('invalid_grant');
    expect((await signIn(issuer, request)).status).toBe(200);
  });
});
