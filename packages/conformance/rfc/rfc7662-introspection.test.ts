import { mintApiKey } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import { issueApiKey, registerClient } from '../harness/clients.ts';
import { ahead } from '../harness/clock.ts';
import { basic, postForm } from '../harness/endpoints.ts';
import { introspect, obtainClientToken, obtainTokens, revoke } from '../harness/flow.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const OPAQUE = 'https://opaque.example.com';
const OTHER_MACHINE = {
  client_id: 'client_machine2',
  client_secret: 'client_machine2-secret-0123456789abcdef',
};
const deployment = useDeployment({}, (ready) =>
  registerClient(ready, OTHER_MACHINE.client_id, { application_type: 'machine' }),
);

describe('RFC 7662 token introspection', () => {
  test('§2.2 a JWT: active with everything the token says, and the limit of its organisation', async () => {
    const { accessToken } = await obtainTokens(deployment);
    expect((await introspect(deployment, accessToken)).body).toEqual({
      active: true,
      token_type: 'Bearer',
      iss: deployment.issuer,
      sub: deployment.people.owner.id,
      aud: deployment.audience,
      client_id: 'client_web',
      scope: 'work-orders:read',
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
      grant_id: expect.any(String),
      org_id: 'org_acme',
      role: 'owner',
      plan: 'professional',
      env: 'live',
      organization_rate_limit: 10_000,
    });
  });

  test('§2.2 an opaque token: the same members, for its resource server', async () => {
    const { accessToken } = await obtainTokens(deployment, { parameters: { resource: OPAQUE } });
    const { body } = await introspect(deployment, accessToken, deployment.clients.otherResourceServer);
    expect(body).toMatchObject({
      active: true,
      token_type: 'Bearer',
      iss: deployment.issuer,
      sub: deployment.people.owner.id,
      aud: OPAQUE,
      client_id: 'client_web',
      scope: 'work-orders:read',
      iat: expect.any(Number),
      exp: expect.any(Number),
      org_id: 'org_acme',
      role: 'owner',
    });
  });

  test('§2.2 a refresh token: active for its own client alone', async () => {
    const { clients } = deployment;
    const { refreshToken } = await obtainTokens(deployment);
    expect((await introspect(deployment, refreshToken, clients.web)).body).toMatchObject({
      active: true,
      client_id: 'client_web',
    });
    for (const client of [clients.resourceServer, clients.published, clients.machine]) {
      expect((await introspect(deployment, refreshToken, client)).body).toEqual({ active: false });
    }
  });

  test('§4 a resource server learns of tokens for its audience alone', async () => {
    const { clients } = deployment;
    const jwt = await obtainClientToken(deployment);
    const opaque = await obtainClientToken(deployment, { resource: OPAQUE });
    const answers = async (token: string) => [
      (await introspect(deployment, token, clients.resourceServer)).body.active,
      (await introspect(deployment, token, clients.otherResourceServer)).body.active,
    ];
    expect(await answers(jwt)).toEqual([true, false]);
    expect(await answers(opaque)).toEqual([false, true]);
  });

  test('§4 a client learns of its own tokens, and nothing of another’s', async () => {
    const { clients } = deployment;
    for (const form of [{}, { resource: OPAQUE }]) {
      const token = await obtainClientToken(deployment, form);
      expect((await introspect(deployment, token, clients.machine)).body.active).toBe(true);
      expect((await introspect(deployment, token, OTHER_MACHINE)).body).toEqual({ active: false });
    }
  });

  test('§2.1 MUST require authorization: 401 without, and with wrong credentials', async () => {
    const token = await obtainClientToken(deployment);
    const { client_id } = deployment.clients.resourceServer;
    const wrong = await introspect(deployment, token, { client_id, client_secret: 'wrong' });
    const bare = await introspect(deployment, token, { client_id });
    const anonymous = await postForm(`${deployment.issuer}/oauth/introspect`, { token });
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic /);
    expect([wrong, bare, anonymous].map(({ status }) => status)).toEqual([401, 401, 401]);
    for (const { body } of [wrong, bare, anonymous]) expect(body.active).toBeUndefined();
  });

  test('§2.1 a token is no credential for introspection', async () => {
    const token = await obtainClientToken(deployment);
    const headers = { authorization: `Bearer ${token}` };
    const answer = await postForm(`${deployment.issuer}/oauth/introspect`, { token }, headers);
    expect([400, 401]).toContain(answer.status);
  });

  test('§4 a public client proves nothing by its id: it learns of no token but one it holds', async () => {
    const { clients } = deployment;
    const foreign = await obtainClientToken(deployment);
    const answer = await introspect(deployment, foreign, clients.spa);
    expect(answer.body.active ?? false).toBe(false);
  });

  test.each([
    'nonsense',
    'x'.repeat(43),
    'a.b.c',
    '..',
    'eyJhbGciOiJub25lIn0.e30.',
    'é✓',
    '\0',
    '0'.repeat(9000),
  ])('§2.2 200 and nothing but inactive for what is not a token: %#', async (token) => {
    const answer = await introspect(deployment, token);
    expect([answer.status, answer.body]).toEqual([200, { active: false }]);
  });

  test('§2.2 inactive for a revoked, an expired and a disabled client’s token', async () => {
    const { machine } = deployment.clients;
    for (const form of [{}, { resource: OPAQUE }]) {
      const revoked = await obtainClientToken(deployment, form);
      await revoke(deployment, revoked, machine);
      expect((await introspect(deployment, revoked, machine)).body).toEqual({ active: false });
      const expired = await obtainClientToken(deployment, form);
      const late = await ahead(3601, () => introspect(deployment, expired, machine));
      expect(late.body).toEqual({ active: false });
    }
  });

  test('§2.2 an ID token is not an access token', async () => {
    const { idToken } = await obtainTokens(deployment, { parameters: { scope: 'openid' } });
    for (const client of [deployment.clients.web, deployment.clients.resourceServer]) {
      expect((await introspect(deployment, idToken, client)).body).toEqual({ active: false });
    }
  });

  test('§2.1 token is REQUIRED, and a GET is not served', async () => {
    expect(await introspect(deployment, '')).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
    expect([404, 405]).toContain((await fetch(`${deployment.issuer}/oauth/introspect?token=x`)).status);
  });

  test('§4 MUST NOT be cached beyond what the server says: no-store, whatever the answer', async () => {
    const token = await obtainClientToken(deployment);
    for (const value of [token, 'nonsense']) {
      expect((await introspect(deployment, value)).headers.get('cache-control')).toBe('no-store');
    }
  });

  test.each(['access_token', 'refresh_token', 'nonsense'])(
    '§2.1 a wrong hint (%s) changes nothing',
    async (hint) => {
      const { issuer, clients } = deployment;
      const token = await obtainClientToken(deployment);
      const form = { token, token_type_hint: hint };
      const { client_id, client_secret } = clients.resourceServer;
      const authorization = `Basic ${btoa(`${client_id}:${client_secret}`)}`;
      const answer = await postForm(`${issuer}/oauth/introspect`, form, { authorization });
      expect(answer.body.active).toBe(true);
    },
  );
});

describe('RFC 7662 introspection of API keys', () => {
  const keys = useDeployment({}, ({ durable }) =>
    durable.resourceServers.update('rs_api', { acceptsApiKeys: true }),
  );

  test('§2.2 a key: active, with its scope, organisation, environment, limits and allowlists', async () => {
    const { key, apiKey } = await issueApiKey(keys, { ipAllowlist: ['192.0.2.0/24'], rateLimit: 100 });
    const answer = await introspect(keys, key);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(answer.body).toEqual({
      active: true,
      token_type: 'api_key',
      iss: keys.issuer,
      sub: apiKey.id,
      scope: 'work-orders:read',
      org_id: 'org_acme',
      env: 'live',
      plan: 'professional',
      iat: expect.any(Number),
      ip_allowlist: ['192.0.2.0/24'],
      rate_limit: 100,
      organization_rate_limit: 10_000,
    });
  });

  test('§2.2 nothing but inactive for a key that is revoked, expired, mistyped or unknown', async () => {
    const { key: revoked } = await issueApiKey(keys);
    await postForm(`${keys.issuer}/oauth/revoke`, { token: revoked });
    const { key: expiring } = await issueApiKey(keys, { expiresAt: new Date(Date.now() + 60_000) });
    expect((await introspect(keys, expiring)).body.active).toBe(true);
    const late = await ahead(61, () => introspect(keys, expiring));
    expect(late.body).toEqual({ active: false });
    for (const value of [revoked, `${revoked}x`, mintApiKey('live').key, 'sk_live_']) {
      const answer = await introspect(keys, value);
      expect([answer.status, answer.body]).toEqual([200, { active: false }]);
    }
  });

  test('§4 a client learns of no key unless it is a resource server that takes them', async () => {
    const { key } = await issueApiKey(keys);
    const { machine, web, otherResourceServer } = keys.clients;
    for (const client of [machine, web, otherResourceServer]) {
      expect((await introspect(keys, key, client)).body).toEqual({ active: false });
    }
  });

  test('§2.1 MUST require authorization: a key says nothing to whoever brings no credentials, or the key alone', async () => {
    const { key } = await issueApiKey(keys);
    const url = `${keys.issuer}/oauth/introspect`;
    const anonymous = await postForm(url, { token: key });
    const byKey = await postForm(url, { token: key }, { authorization: `Bearer ${key}` });
    for (const { status, body } of [anonymous, byKey]) {
      expect([400, 401]).toContain(status);
      expect(body.active).toBeUndefined();
    }
  });

  test.each(['api_key', 'access_token', 'refresh_token'])(
    '§2.1 the hint %s changes nothing',
    async (hint) => {
      const { key } = await issueApiKey(keys);
      const form = { token: key, token_type_hint: hint };
      const answer = await postForm(
        `${keys.issuer}/oauth/introspect`,
        form,
        basic(keys.clients.resourceServer),
      );
      expect(answer.body.active).toBe(true);
    },
  );
});
