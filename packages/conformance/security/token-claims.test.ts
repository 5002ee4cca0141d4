import { decodeJwt, type JWTPayload } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { introspect, obtainTokens } from '../harness/flow.ts';
import { signAsServer } from '../harness/signing.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const deployment = useDeployment();
let claims: JWTPayload;
beforeAll(async () => {
  const { accessToken } = await obtainTokens(deployment, {
    parameters: { scope: 'openid work-orders:read' },
  });
  claims = decodeJwt(accessToken);
});

const accepted = async (token: string) => {
  const headers = { authorization: `Bearer ${token}` };
  const { status } = await fetch(`${deployment.issuer}/oauth/userinfo`, { headers });
  return { active: (await introspect(deployment, token)).body.active, userinfo: status };
};
const now = () => Math.floor(Date.now() / 1000);

describe('RFC 9068 validation, of tokens with a true signature', () => {
  test('§4 the claims as the server itself makes them are taken', async () => {
    expect(await accepted(await signAsServer(deployment, claims))).toEqual({ active: true, userinfo: 200 });
  });

  test.each(['JWT', 'at+JWT2', 'logout+jwt', 'secevent+jwt', undefined])(
    '§4 MUST reject any typ but at+jwt: %s',
    async (typ) => {
      const token = await signAsServer(deployment, claims, { typ: typ as string });
      expect(await accepted(token)).toEqual({ active: false, userinfo: 401 });
    },
  );

  test.each<[string, () => JWTPayload]>([
    ['iss is another server', () => ({ iss: 'https://other.example' })],
    ['iss is missing', () => ({ iss: undefined as never })],
    ['exp is past', () => ({ exp: now() - 10 })],
    ['exp is missing', () => ({ exp: undefined as never })],
    ['exp is no number', () => ({ exp: 'never' as never })],
    ['nbf is to come', () => ({ nbf: now() + 600 })],
    ['sub is missing', () => ({ sub: undefined as never })],
    ['jti is missing, so it could not be revoked', () => ({ jti: undefined as never })],
    ['client_id is missing', () => ({ client_id: undefined })],
    ['aud is missing', () => ({ aud: undefined as never })],
    ['the grant is unknown', () => ({ grant_id: 'grant_nobody' })],
  ])('§4 MUST reject a token whose %s', async (_, changes) => {
    const token = await signAsServer(deployment, { ...claims, ...changes() });
    expect(await accepted(token)).toEqual({ active: false, userinfo: 401 });
  });

  test('§4 MUST reject a token for another audience, whatever its scope', async () => {
    const forApi = await signAsServer(deployment, { ...claims, aud: deployment.audience });
    expect(await accepted(forApi)).toEqual({ active: true, userinfo: 401 });
    const forOther = await signAsServer(deployment, { ...claims, aud: 'https://opaque.example.com' });
    expect(await accepted(forOther)).toEqual({ active: false, userinfo: 401 });
  });

  test('§4 a token bound to a key is no plain bearer token (RFC 7800 §3.1)', async () => {
    const token = await signAsServer(deployment, { ...claims, cnf: { jkt: 'x' } });
    expect((await accepted(token)).userinfo).toBe(401);
    expect((await introspect(deployment, token)).body.token_type).not.toBe('Bearer');
  });
});
