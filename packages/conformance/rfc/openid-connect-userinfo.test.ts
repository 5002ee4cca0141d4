import { describe, expect, test } from 'vitest';
import { readAnswer } from '../harness/endpoints.ts';
import { obtainClientToken, obtainTokens, revoke } from '../harness/flow.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const OPAQUE = 'https://opaque.example.com';
const deployment = useDeployment();
const userinfo = async (token: string, init: RequestInit = {}) =>
  readAnswer(
    await fetch(`${deployment.issuer}/oauth/userinfo`, {
      headers: { authorization: `Bearer ${token}` },
      ...init,
    }),
  );
const person = () => {
  const { id, email } = deployment.people.owner;
  return {
    sub: id,
    name: 'owner of Acme',
    updated_at: expect.any(Number),
    email,
    email_verified: true,
  };
};

describe('OpenID Connect Core userinfo', () => {
  test.each([
    ['a JWT', 'openid profile email work-orders:read'],
    ['an opaque token', 'openid profile email'],
  ])('§5.3.2 answers the claims of the granted scopes for %s', async (_, scope) => {
    const { accessToken } = await obtainTokens(deployment, { parameters: { scope } });
    const answer = await userinfo(accessToken);
    expect([answer.status, answer.body]).toEqual([200, person()]);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('cache-control')).toContain('no-store');
  });

  test.each([
    ['openid', ['sub']],
    ['openid email', ['email', 'email_verified', 'sub']],
    ['openid profile', ['name', 'sub', 'updated_at']],
    ['openid work-orders:read', ['sub']],
  ])('§5.4 %s answers %j and nothing else', async (scope, members) => {
    const { accessToken } = await obtainTokens(deployment, { parameters: { scope } });
    expect(Object.keys((await userinfo(accessToken)).body).sort()).toEqual(members);
  });

  test('§5.3.1 MUST support GET and POST', async () => {
    const { accessToken } = await obtainTokens(deployment, { parameters: { scope: 'openid' } });
    const authorization = `Bearer ${accessToken}`;
    const posts: RequestInit[] = [
      { method: 'POST', headers: { authorization } },
      { method: 'POST', headers: {}, body: new URLSearchParams({ access_token: accessToken }) },
    ];
    for (const init of posts) expect((await userinfo('', init)).status).toBe(200);
  });

  test('§5.3.2 sub is the ID token’s', async () => {
    const { accessToken, idToken } = await obtainTokens(deployment, { parameters: { scope: 'openid' } });
    const [, payload = ''] = idToken.split('.');
    const { sub } = JSON.parse(Buffer.from(payload, 'base64url').toString());
    expect((await userinfo(accessToken)).body.sub).toBe(sub);
  });

  test('§5.3.3 a token without openid is refused: insufficient_scope or invalid_token', async () => {
    const { accessToken } = await obtainTokens(deployment);
    const answer = await userinfo(accessToken);
    expect([401, 403]).toContain(answer.status);
    expect(answer.headers.get('www-authenticate')).toMatch(
      /^Bearer .*error="(insufficient_scope|invalid_token)"/,
    );
  });

  test('§5.3.3 a token of another audience is refused, though the person granted openid', async () => {
    const { accessToken } = await obtainTokens(deployment, {
      parameters: { scope: 'work-orders:read', resource: OPAQUE },
    });
    expect((await userinfo(accessToken)).status).toBeGreaterThanOrEqual(401);
  });

  test('§5.3.3 refuses a client’s token, an ID token, a refresh token, nonsense, and nothing at all', async () => {
    const tokens = await obtainTokens(deployment, { parameters: { scope: 'openid' } });
    const wrong = [
      await obtainClientToken(deployment),
      tokens.idToken,
      tokens.refreshToken,
      'nonsense',
      'a.b.c',
    ];
    for (const token of wrong) {
      const answer = await userinfo(token);
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_token']);
    }
    const none = await userinfo('', { headers: {} });
    expect([400, 401]).toContain(none.status);
    expect(none.headers.get('www-authenticate')).toMatch(/^Bearer/);
  });

  test('§5.3 is dead with the token, with the grant, and with the account', async () => {
    for (const scope of ['openid', 'openid work-orders:read']) {
      const one = await obtainTokens(deployment, { parameters: { scope } });
      await revoke(deployment, one.accessToken);
      expect((await userinfo(one.accessToken)).status).toBe(401);
      const two = await obtainTokens(deployment, { parameters: { scope } });
      await revoke(deployment, two.refreshToken);
      expect((await userinfo(two.accessToken)).status).toBe(401);
    }
    const { people, durable } = deployment;
    const three = await obtainTokens(deployment, {
      person: people.developer,
      parameters: { scope: 'openid' },
    });
    await durable.accounts.update(people.developer.id, { disabledAt: new Date() });
    expect((await userinfo(three.accessToken)).status).toBe(401);
  });
});

describe('RFC 6750 bearer token usage', () => {
  test('§2.3 a token in the query is refused (RFC 9700 §4.3.2)', async () => {
    const { accessToken } = await obtainTokens(deployment, { parameters: { scope: 'openid' } });
    const answer = await readAnswer(
      await fetch(`${deployment.issuer}/oauth/userinfo?access_token=${accessToken}`),
    );
    expect([400, 401]).toContain(answer.status);
    expect(answer.body.sub).toBeUndefined();
  });

  test('§2 MUST NOT use more than one method to send the token', async () => {
    const { accessToken } = await obtainTokens(deployment, { parameters: { scope: 'openid' } });
    const answer = await userinfo(accessToken, {
      method: 'POST',
      headers: { authorization: `Bearer ${accessToken}` },
      body: new URLSearchParams({ access_token: accessToken }),
    });
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
  });

  test.each(['Bearer', 'Bearer ', 'Bearer a b', 'bearer\ttoken', 'Basic YTpi', 'Token abc', 'Bearer  '])(
    '§3.1 a malformed Authorization header is a client error: %j',
    async (authorization) => {
      const answer = await userinfo('', { headers: { authorization } });
      expect([400, 401]).toContain(answer.status);
    },
  );
});
