import { base64url, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { introspect, obtainTokens, type Tokens } from '../harness/flow.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const deployment = useDeployment();
interface PublicKey extends Record<string, unknown> {
  kid: string;
  alg: string;
}
let tokens: Tokens;
let keys: PublicKey[];
let claims: JWTPayload;
let attacker: Awaited<ReturnType<typeof generateKeyPair>>;

beforeAll(async () => {
  tokens = await obtainTokens(deployment, { parameters: { scope: 'openid email work-orders:read' } });
  const response = await fetch(`${deployment.issuer}/oauth/jwks`);
  keys = ((await response.json()) as { keys: PublicKey[] }).keys;
  claims = JSON.parse(Buffer.from(tokens.accessToken.split('.')[1] ?? '', 'base64url').toString());
  attacker = await generateKeyPair('ES256', { extractable: true });
});

const encode = (value: unknown) => base64url.encode(JSON.stringify(value));
const kidOf = (alg: string) => keys.find((key) => key.alg === alg)?.kid ?? '';
const header = () => ({ alg: 'ES256', typ: 'at+jwt', kid: kidOf('ES256') });
const signed = (changes: object = {}, payload: JWTPayload = claims) =>
  new SignJWT(payload).setProtectedHeader({ ...header(), ...changes }).sign(attacker.privateKey);
const hmac = (alg: string, key: string | Uint8Array, kid: string) => {
  const secret = typeof key === 'string' ? new TextEncoder().encode(key) : key;
  return new SignJWT(claims).setProtectedHeader({ alg, typ: 'at+jwt', kid }).sign(secret);
};
const parts = () => tokens.accessToken.split('.') as [string, string, string];

const FORGERIES: [string, () => Promise<string> | string][] = [
  ['alg none without a signature', () => `${encode({ ...header(), alg: 'none' })}.${parts()[1]}.`],
  ['alg None', () => `${encode({ ...header(), alg: 'None' })}.${parts()[1]}.`],
  [
    'alg none with the real signature',
    () => `${encode({ ...header(), alg: 'none' })}.${parts()[1]}.${parts()[2]}`,
  ],
  ['no alg', () => `${encode({ typ: 'at+jwt', kid: kidOf('ES256') })}.${parts()[1]}.${parts()[2]}`],
  ['no signature', () => `${parts()[0]}.${parts()[1]}.`],
  ['HS256 under the JWK as text', () => hmac('HS256', JSON.stringify(keys[0]), kidOf('ES256'))],
  [
    'HS256 under the x coordinate',
    () => hmac('HS256', String(keys.find(({ x }) => x)?.x).padEnd(32), kidOf('ES256')),
  ],
  [
    'HS256 under the RSA modulus',
    () => hmac('HS256', base64url.decode(String(keys.find(({ n }) => n)?.n)), kidOf('RS256')),
  ],
  ['HS512 under the key set', () => hmac('HS512', JSON.stringify({ keys }).padEnd(64), kidOf('RS256'))],
  ['another key under our kid', () => signed()],
  ['another key, brought in the header', async () => signed({ jwk: await exportJWK(attacker.publicKey) })],
  ['another key, behind a jku', () => signed({ jku: 'http://127.0.0.1:9/jwks.json' })],
  ['an unknown kid', () => signed({ kid: 'nobody' })],
  ['a kid with a path', () => signed({ kid: '../../../../dev/null' })],
  ['a kid with SQL', () => signed({ kid: "x' OR '1'='1" })],
  [
    'a claim changed',
    () => `${parts()[0]}.${encode({ ...claims, scope: 'organization:write' })}.${parts()[2]}`,
  ],
  ['the subject changed', () => `${parts()[0]}.${encode({ ...claims, sub: 'user_admin' })}.${parts()[2]}`],
  ['a later expiry', () => `${parts()[0]}.${encode({ ...claims, exp: 9e9 })}.${parts()[2]}`],
  [
    'the other key’s kid',
    () => `${encode({ ...header(), kid: kidOf('RS256') })}.${parts()[1]}.${parts()[2]}`,
  ],
  ['the signature of the ID token', () => `${parts()[0]}.${parts()[1]}.${tokens.idToken.split('.')[2]}`],
  [
    'an ECDSA signature of zeros',
    () => `${parts()[0]}.${parts()[1]}.${base64url.encode(new Uint8Array(64))}`,
  ],
  [
    'a critical extension nobody knows',
    () => `${encode({ ...header(), crit: ['x'], x: 1 })}.${parts()[1]}.${parts()[2]}`,
  ],
  ['an encrypted token’s five parts', () => `${parts().join('.')}.x.y`],
];

describe('RFC 8725 JWT best current practice', () => {
  test('§3.1 the genuine token is taken, so that what follows is refused for the forgery', async () => {
    expect((await introspect(deployment, tokens.accessToken)).body.active).toBe(true);
  });

  test.each(FORGERIES)(
    '§3.1 MUST NOT be fooled by %s: inactive at introspection, 401 at userinfo',
    async (_, forge) => {
      const token = await forge();
      expect(token).not.toBe(tokens.accessToken);
      for (const client of [deployment.clients.resourceServer, deployment.clients.web]) {
        expect((await introspect(deployment, token, client)).body).toEqual({ active: false });
      }
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`${deployment.issuer}/oauth/userinfo`, { headers });
      expect(response.status).toBe(401);
    },
  );

  test('§3.11 an ID token is no access token, though our key signed it', async () => {
    const headers = { authorization: `Bearer ${tokens.idToken}` };
    expect((await fetch(`${deployment.issuer}/oauth/userinfo`, { headers })).status).toBe(401);
    expect((await introspect(deployment, tokens.idToken)).body).toEqual({ active: false });
  });

  test('§3.11 an access token is no id_token_hint, though our key signed it', async () => {
    const query = new URLSearchParams({ id_token_hint: tokens.accessToken });
    const response = await fetch(`${deployment.issuer}/oauth/logout?${query}`, { redirect: 'manual' });
    expect(response.status).toBe(400);
  });
});
