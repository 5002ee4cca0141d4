import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { describe, expect, test } from 'vitest';
import { obtainClientToken, obtainTokens, type Tokens } from '../harness/flow.ts';
import { ORGANIZATION } from '../harness/seed.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const deployment = useDeployment();

async function verified({ accessToken }: Pick<Tokens, 'accessToken'>) {
  const keys = createRemoteJWKSet(new URL(`${deployment.issuer}/oauth/jwks`));
  const { payload, protectedHeader } = await jwtVerify(accessToken, keys, { issuer: deployment.issuer });
  return { payload, protectedHeader };
}

describe('RFC 9068 JWT profile for access tokens', () => {
  test('§2.1 MUST be signed, MUST NOT use none, and typ is at+jwt', async () => {
    const { protectedHeader } = await verified(await obtainTokens(deployment));
    expect(protectedHeader).toEqual({ typ: 'at+jwt', alg: 'ES256', kid: expect.any(String) });
  });

  test('§2.1 MUST support RS256, for a resource server that asks for it', async () => {
    await deployment.durable.resourceServers.create({
      id: 'rs_rsa',
      identifier: 'https://rsa.example.com',
      name: 'RSA API',
      scopes: { 'work-orders:read': 'List and read work orders' },
      tokenFormat: 'jwt',
      isDefault: false,
      introspectionClientId: null,
      signingAlgorithm: 'RS256',
      acceptsApiKeys: false,
      tokenTtlSeconds: 300,
    });
    await deployment.shared.feed.publish({ type: 'resource_server', id: 'rs_rsa' });
    const resource = 'https://rsa.example.com';
    await expect.poll(() => obtainClientToken(deployment, { resource }).catch(() => '')).not.toBe('');
    const accessToken = await obtainClientToken(deployment, { resource });
    const { payload, protectedHeader } = await verified({ accessToken });
    expect(protectedHeader.alg).toBe('RS256');
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(300);
  });

  test('§2.2 MUST carry iss, exp, aud, sub, client_id, iat, jti; a person’s token has nothing but these and ours', async () => {
    const { payload } = await verified(await obtainTokens(deployment));
    expect(payload).toEqual({
      iss: deployment.issuer,
      sub: deployment.people.owner.id,
      aud: deployment.audience,
      client_id: 'client_web',
      scope: 'work-orders:read',
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
      grant_id: expect.any(String),
      org_id: ORGANIZATION,
      role: 'owner',
      plan: 'professional',
      env: 'live',
    });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600);
  });

  test('§2.2 a client’s token: sub is the client, without role or grant', async () => {
    const { payload } = await verified({ accessToken: await obtainClientToken(deployment) });
    expect(payload).toEqual({
      iss: deployment.issuer,
      sub: 'client_machine',
      aud: deployment.audience,
      client_id: 'client_machine',
      scope: 'work-orders:read',
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
      org_id: ORGANIZATION,
      plan: 'professional',
      env: 'live',
    });
  });

  test('§2.2.2 identity claims stay out, with profile and email granted too', async () => {
    const tokens = await obtainTokens(deployment, {
      parameters: { scope: 'openid profile email work-orders:read' },
    });
    const { payload } = await verified(tokens);
    expect(Object.keys(payload)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(name|email|email_verified|nonce|at_hash|amr)$/)]),
    );
    expect(JSON.stringify(payload)).not.toMatch(/@|of Acme/);
  });

  test('§2.2.3 scope is the granted one, as in the token response', async () => {
    const scope = 'openid work-orders:read inventory:read';
    const { accessToken, answer } = await obtainTokens(deployment, { parameters: { scope } });
    expect(decodeJwt(accessToken).scope).toBe(answer.body.scope);
  });

  test('§3 the audience is the API; userinfo stands beside it only where openid was granted', async () => {
    const withOpenid = await obtainTokens(deployment, { parameters: { scope: 'openid work-orders:read' } });
    const userinfo = `${deployment.issuer}/oauth/userinfo`;
    expect(decodeJwt(withOpenid.accessToken).aud).toEqual([deployment.audience, userinfo]);
    expect(decodeJwt((await obtainTokens(deployment)).accessToken).aud).toBe(deployment.audience);
  });

  test('§2.2 jti is another for every token', async () => {
    const tokens = await Promise.all([1, 2, 3].map(() => obtainClientToken(deployment)));
    expect(new Set(tokens.map((token) => decodeJwt(token).jti)).size).toBe(3);
  });

  test('§4 oauth4webapi’s resource server accepts both kinds, and refuses them for another audience', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(deployment.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    for (const token of [await obtainClientToken(deployment), (await obtainTokens(deployment)).accessToken]) {
      const request = new Request('https://api.example', { headers: { authorization: `Bearer ${token}` } });
      const claims = await oauth.validateJwtAccessToken(as, request, deployment.audience, insecure);
      expect(claims.iss).toBe(deployment.issuer);
      await expect(
        oauth.validateJwtAccessToken(as, request, 'https://other.example', insecure),
      ).rejects.toThrow(/aud/);
    }
  });

  test('§5 an ID token is not an access token: typ tells them apart', async () => {
    const { idToken } = await obtainTokens(deployment, { parameters: { scope: 'openid' } });
    expect(decodeProtectedHeader(idToken).typ).not.toBe('at+jwt');
  });
});
