import { createHmac } from 'node:crypto';
import { type CryptoKey, exportSPKI, importJWK } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  CLAIMS,
  createKey,
  createKeyServer,
  createTestGuard,
  encode,
  NOW,
  outcome,
  type SigningKey,
  sign,
} from './issuer.ts';

let key: SigningKey;
let rsa: SigningKey;
let stranger: SigningKey;
const attempt = async (token: string) =>
  outcome(createTestGuard(createKeyServer(key, rsa)), `Bearer ${token}`);

beforeAll(async () => {
  [key, rsa, stranger] = await Promise.all([createKey('k1'), createKey('k2', 'RS256'), createKey('k1')]);
});

test('a token of the issuer for this API is accepted, whichever published key signed it', async () => {
  expect(await attempt(await sign(key))).toBe('accepted');
  expect(await attempt(await sign(rsa))).toBe('accepted');
});

describe('a token that is not what it says is refused', () => {
  const hmac = (secret: string | Buffer, header: object) => {
    const input = `${encode({ typ: 'at+jwt', kid: 'k2', ...header })}.${encode(CLAIMS)}`;
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  };
  const unsigned = (alg: unknown) => `${encode({ typ: 'at+jwt', alg, kid: 'k1' })}.${encode(CLAIMS)}`;
  const cases: [string, string, () => string | Promise<string>][] = [
    ['alg none', 'algorithm_refused', () => `${unsigned('none')}.AA`],
    ['alg NONE', 'algorithm_refused', () => `${unsigned('NONE')}.AA`],
    ['alg none without a signature', 'algorithm_refused', () => `${unsigned('none')}.`],
    ['no alg', 'algorithm_refused', () => `${unsigned(undefined)}.AA`],
    ['alg a list', 'algorithm_refused', () => `${unsigned(['ES256'])}.AA`],
    [
      'HS256 with the public key as the secret',
      'algorithm_refused',
      async () => hmac(await exportSPKI((await importJWK(rsa.jwk, 'RS256')) as CryptoKey), { alg: 'HS256' }),
    ],
    [
      'RS256 named over an HMAC with the public key',
      'signature_wrong',
      async () => hmac(await exportSPKI((await importJWK(rsa.jwk, 'RS256')) as CryptoKey), { alg: 'RS256' }),
    ],
    ['another algorithm than its key is for', 'algorithm_refused', () => sign(rsa, {}, { kid: 'k1' })],
    [
      'an algorithm that is not on the list',
      'algorithm_refused',
      async () => sign(await createKey('k1', 'PS256')),
    ],
    ['the kid of ours and a key of a stranger', 'signature_wrong', () => sign(stranger)],
    ['an embedded key', 'signature_wrong', () => sign(stranger, {}, { jwk: stranger.jwk })],
    [
      'an embedded key under an unknown kid',
      'key_unknown',
      () => sign(stranger, {}, { jwk: stranger.jwk, kid: 'mine' }),
    ],
    [
      'the address of a key set',
      'signature_wrong',
      () => sign(stranger, {}, { jku: 'https://evil.test/jwks' }),
    ],
    [
      'the address of a certificate',
      'signature_wrong',
      () => sign(stranger, {}, { x5u: 'https://evil.test/x' }),
    ],
    ['a kid that is a path', 'key_unknown', () => sign(stranger, {}, { kid: '../../../../dev/null' })],
    ['a kid that is a query', 'key_unknown', () => sign(stranger, {}, { kid: "k1' or '1'='1" })],
    ['a kid of the prototype', 'key_unknown', () => sign(stranger, {}, { kid: '__proto__' })],
    ['a kid that is a number', 'token_malformed', () => replaceHeader({ kid: 1 })],
    ['no kid', 'token_malformed', () => replaceHeader({ kid: undefined })],
    ['a critical extension', 'token_malformed', () => replaceHeader({ crit: ['b64'], b64: false })],
    ['the type of an ID token', 'type_wrong', () => sign(key, {}, { typ: 'JWT' })],
    ['the type of a logout token', 'type_wrong', () => sign(key, {}, { typ: 'logout+jwt' })],
    ['no type', 'type_wrong', () => replaceHeader({ typ: undefined })],
    ['a type that only starts well', 'type_wrong', () => sign(key, {}, { typ: 'at+jwt; x' })],
    ['a foreign issuer', 'issuer_wrong', () => sign(key, { iss: 'https://auth.example.test.evil.test' })],
    ['our issuer with a slash', 'issuer_wrong', () => sign(key, { iss: `${CLAIMS.iss}/` })],
    ['a foreign audience', 'audience_wrong', () => sign(key, { aud: 'https://other.example.test' })],
    ['foreign audiences', 'audience_wrong', () => sign(key, { aud: [`${CLAIMS.aud}/x`, 'x'] })],
    ['an audience that is a pattern', 'audience_wrong', () => sign(key, { aud: '*' })],
    ['no audience', 'audience_wrong', () => sign(key, { aud: undefined })],
    ['another payload under the signature', 'signature_wrong', () => replacePayload({ sub: 'user_2' })],
    ['an expiry in the past', 'token_expired', () => sign(key, { exp: NOW - 1 })],
    ['an expiry that is now', 'token_expired', () => sign(key, { exp: NOW })],
    ['no expiry', 'claims_wrong', () => sign(key, { exp: undefined })],
    ['a start in the future', 'token_not_yet_valid', () => sign(key, { nbf: NOW + 6 })],
    ['an issue in the future', 'token_not_yet_valid', () => sign(key, { iat: NOW + 6 })],
    ['a key binding', 'proof_required', () => sign(key, { cnf: { jkt: 'x' } })],
    ['a null key binding', 'proof_required', () => sign(key, { cnf: null })],
  ];
  async function replaceHeader(header: object): Promise<string> {
    const [, payload, signature] = (await sign(key)).split('.');
    return [encode({ alg: 'ES256', kid: 'k1', typ: 'at+jwt', ...header }), payload, signature].join('.');
  }
  async function replacePayload(claims: object): Promise<string> {
    const [header, , signature] = (await sign(key)).split('.');
    return [header, encode({ ...CLAIMS, ...claims }), signature].join('.');
  }
  test.each(cases)('%s: %s', async (_, reason, make) => expect(await attempt(await make())).toBe(reason));

  test.each([
    ...['sub', 'client_id', 'jti'].flatMap((name) =>
      [undefined, null, 1, '', {}].map((value) => [name, value]),
    ),
    ...['iat', 'exp'].flatMap((name) => [undefined, null, '1800000000', {}].map((value) => [name, value])),
    ...['scope', 'grant_id', 'org_id', 'role', 'plan', 'env'].map((name) => [name, 1]),
    ['scope', ['orders:read']],
    ['nbf', '0'],
    ['env', 'production'],
  ])('claim %s = %j', async (name, value) => {
    expect(await attempt(await sign(key, { [String(name)]: value }))).toBe('claims_wrong');
  });

  test.each([
    ['a part is missing', (token: string) => token.split('.').slice(0, 2).join('.')],
    ['it has five parts', (token: string) => `${token}.x.y`],
    ['the payload is no JSON', (token: string) => token.replace(/\.[^.]+\./, `.${encode('{')}.`)],
    ['the payload is a list', (token: string) => token.replace(/\.[^.]+\./, `.${encode('[]')}.`)],
    [
      'the payload is not UTF-8',
      (token: string) => token.replace(/\.[^.]+\./, `.${Buffer.from([0xff]).toString('base64url')}.`),
    ],
    ['it is opaque', () => 'c2VjcmV0'],
  ])('malformed: %s', async (_, change) =>
    expect(await attempt(change(await sign(key)))).toBe('token_malformed'),
  );

  test('cut short at any character', async () => {
    const token = await sign(key);
    const guard = createTestGuard(createKeyServer(key));
    for (let length = 1; length < token.length; length += 7) {
      expect(await outcome(guard, `Bearer ${token.slice(0, length)}`)).toMatch(
        /^(token_malformed|signature_wrong)$/,
      );
    }
  });

  test('too large to be looked at', async () => {
    expect(await attempt(await sign(key, { scope: 'x'.repeat(8192) }))).toBe('credentials_too_large');
  });
});

test('keys of the issuer that are not for signatures of ours are never used', async () => {
  const server = createKeyServer(key);
  const published = [
    { ...rsa.jwk, use: 'enc' },
    { kty: 'oct', k: encode('secret'), kid: 'k3', alg: 'HS256' },
    { ...rsa.jwk, alg: 'RSA-OAEP' },
    'not a key',
    key.jwk,
  ];
  server.answer = () => Response.json({ keys: published });
  const guard = createTestGuard(server);
  expect(await outcome(guard, `Bearer ${await sign(key)}`)).toBe('accepted');
  expect(await outcome(guard, `Bearer ${await sign(rsa)}`)).toBe('key_unknown');
});
