import { mintApiKey } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import { issueApiKey } from '../harness/clients.ts';
import { type Form, postForm } from '../harness/endpoints.ts';
import { introspect, obtainClientToken, obtainTokens, refresh, revoke, tokensOf } from '../harness/flow.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const OPAQUE = 'https://opaque.example.com';
const deployment = useDeployment();
const isActive = async (token: string, client = deployment.clients.web) =>
  (await introspect(deployment, token, client)).body.active;

describe('RFC 7009 token revocation', () => {
  test('§2 a JWT access token is dead at once; the refresh token lives on', async () => {
    const tokens = await obtainTokens(deployment);
    const answer = await revoke(deployment, tokens.accessToken);
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect(await isActive(tokens.accessToken)).toBe(false);
    expect((await introspect(deployment, tokens.accessToken)).body).toEqual({ active: false });
    expect((await refresh(deployment, tokens.refreshToken)).status).toBe(200);
  });

  test('§2 an opaque access token is dead at once; the refresh token lives on', async () => {
    const tokens = await obtainTokens(deployment, { parameters: { resource: OPAQUE } });
    expect(await isActive(tokens.accessToken)).toBe(true);
    expect((await revoke(deployment, tokens.accessToken)).status).toBe(200);
    expect(await isActive(tokens.accessToken)).toBe(false);
    expect((await refresh(deployment, tokens.refreshToken)).status).toBe(200);
  });

  test('§2.1 with a refresh token the whole grant ends: its successors, its JWTs', async () => {
    const first = await obtainTokens(deployment);
    const second = tokensOf(await refresh(deployment, first.refreshToken));
    expect((await revoke(deployment, second.refreshToken)).status).toBe(200);
    for (const token of [first.accessToken, second.accessToken, second.refreshToken]) {
      expect(await isActive(token)).toBe(false);
    }
    expect((await refresh(deployment, second.refreshToken)).body.error).toBe('invalid_grant');
    expect((await refresh(deployment, first.refreshToken)).body.error).toBe('invalid_grant');
  });

  test('§2.1 with a refresh token its opaque access tokens end too', async () => {
    const tokens = await obtainTokens(deployment, { parameters: { resource: OPAQUE } });
    await revoke(deployment, tokens.refreshToken);
    expect(await isActive(tokens.accessToken)).toBe(false);
  });

  test('§2.1 another authorization of the same client and person lives on', async () => {
    const [one, two] = [await obtainTokens(deployment), await obtainTokens(deployment)];
    await revoke(deployment, one.refreshToken);
    expect(await isActive(two.accessToken)).toBe(true);
    expect((await refresh(deployment, two.refreshToken)).status).toBe(200);
  });

  test('§2.1 a client’s own token', async () => {
    const { machine } = deployment.clients;
    const token = await obtainClientToken(deployment);
    expect((await revoke(deployment, token, machine)).status).toBe(200);
    expect(await isActive(token, machine)).toBe(false);
  });

  test.each(['nonsense', 'x'.repeat(43), 'eyJ.eyJ.x', 'a.b.c', '..', 'é', 'sk_live_0_0', '0'.repeat(5000)])(
    '§2.2 200 for an invalid token: %#',
    async (token) => {
      expect((await revoke(deployment, token)).status).toBe(200);
    },
  );

  test('§2.2 200 for a token that was revoked before', async () => {
    const { refreshToken, accessToken } = await obtainTokens(deployment);
    for (const token of [accessToken, accessToken, refreshToken, refreshToken]) {
      expect((await revoke(deployment, token)).status).toBe(200);
    }
  });

  test.each(['access_token', 'refresh_token', 'nonsense'])(
    '§2.1 a wrong or unknown hint (%s) does not stop it',
    async (token_type_hint) => {
      const { clients } = deployment;
      const { accessToken, refreshToken } = await obtainTokens(deployment);
      await revoke(deployment, accessToken, clients.web, { token_type_hint });
      expect(await isActive(accessToken)).toBe(false);
      await revoke(deployment, refreshToken, clients.web, { token_type_hint });
      expect((await refresh(deployment, refreshToken)).body.error).toBe('invalid_grant');
    },
  );

  test('§2.1 MUST refuse a token that was issued to another client: nothing is revoked', async () => {
    const { clients } = deployment;
    const jwt = await obtainTokens(deployment);
    const opaque = await obtainTokens(deployment, { parameters: { resource: OPAQUE } });
    for (const client of [clients.published, clients.spa, clients.resourceServer]) {
      for (const token of [jwt.accessToken, jwt.refreshToken, opaque.accessToken]) {
        expect([200, 400]).toContain((await revoke(deployment, token, client)).status);
      }
    }
    expect(await isActive(jwt.accessToken)).toBe(true);
    expect(await isActive(opaque.accessToken)).toBe(true);
    expect((await refresh(deployment, jwt.refreshToken)).status).toBe(200);
  });

  test('§2.1 a public client revokes its own by its id', async () => {
    const client = deployment.clients.spa;
    const { refreshToken, accessToken } = await obtainTokens(deployment, { client });
    expect((await revoke(deployment, refreshToken, client)).status).toBe(200);
    expect((await introspect(deployment, accessToken)).body).toEqual({ active: false });
  });

  test('§2.1 MUST authenticate confidential clients', async () => {
    const { accessToken } = await obtainTokens(deployment);
    const { client_id } = deployment.clients.web;
    const anonymous = await postForm(`${deployment.issuer}/oauth/revoke`, { token: accessToken });
    const bare = await revoke(deployment, accessToken, { client_id });
    const wrong = await revoke(deployment, accessToken, { client_id, client_secret: 'wrong' });
    expect([bare, wrong, anonymous].map(({ status }) => status)).toEqual([401, 401, 401]);
    expect(await isActive(accessToken)).toBe(true);
  });

  test('§2.1 token is REQUIRED', async () => {
    const answer = await revoke(deployment, '');
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  test('§2.2 the empty answer has no Content-Type, with which clients would try to read it', async () => {
    const { accessToken } = await obtainTokens(deployment);
    for (const token of [accessToken, 'nonsense']) {
      expect((await revoke(deployment, token)).headers.get('content-type')).toBeNull();
    }
  });

  test('§2 is POST alone', async () => {
    const response = await fetch(`${deployment.issuer}/oauth/revoke?token=x`);
    expect([404, 405]).toContain(response.status);
  });
});

describe('RFC 7009 revocation of API keys', () => {
  const keys = useDeployment({}, ({ durable }) =>
    durable.resourceServers.update('rs_api', { acceptsApiKeys: true }),
  );
  const revokeKey = (token: string, form: Form = {}) =>
    postForm(`${keys.issuer}/oauth/revoke`, { token, ...form });
  const lives = async (key: string) => (await introspect(keys, key)).body.active;

  test('§2 its holder revokes it with nothing but the key, and it is dead at once', async () => {
    const { key } = await issueApiKey(keys);
    expect(await lives(key)).toBe(true);
    const answer = await revokeKey(key);
    expect([answer.status, answer.text, answer.headers.get('content-type')]).toEqual([200, '', null]);
    expect(await lives(key)).toBe(false);
  });

  test('§2.1 a client that authenticates revokes a key that it holds', async () => {
    const { key } = await issueApiKey(keys);
    expect((await revoke(keys, key, keys.clients.machine)).status).toBe(200);
    expect(await lives(key)).toBe(false);
  });

  test('§2.1 a wrong hint does not stop it', async () => {
    const { key } = await issueApiKey(keys);
    await revokeKey(key, { token_type_hint: 'refresh_token' });
    expect(await lives(key)).toBe(false);
  });

  test('§2.2 200 for a key that is revoked, mistyped or unknown, in the very same words', async () => {
    const { key } = await issueApiKey(keys);
    const { key: spared } = await issueApiKey(keys);
    const said = async (token: string) => {
      const { status, text, headers } = await revokeKey(token);
      const { date: _d, 'x-request-id': _r, ...fixed } = Object.fromEntries(headers);
      const named = Object.entries(fixed).filter(([name]) => !name.includes('ratelimit'));
      return [status, text, named];
    };
    const first = await said(key);
    for (const token of [key, `${spared}x`, mintApiKey('live').key, spared.slice(0, -1)]) {
      expect(await said(token)).toEqual(first);
    }
    expect(await lives(spared)).toBe(true);
  });

  test('§2 other tokens are still the business of authenticated clients alone', async () => {
    const token = await obtainClientToken(keys);
    expect((await revokeKey(token)).status).toBe(401);
    expect((await introspect(keys, token)).body.active).toBe(true);
  });
});
