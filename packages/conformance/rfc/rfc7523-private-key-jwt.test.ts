import type { JWTPayload } from 'jose';
import * as oauth from 'oauth4webapi';
import { beforeAll, describe, expect, test } from 'vitest';
import { ASSERTION_TYPE, generateClientKey, signAssertion } from '../harness/assertion.ts';
import { registerSecretlessClient } from '../harness/clients.ts';
import { type Form, postForm } from '../harness/endpoints.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const CLIENT = 'client_assertive';
const deployment = useDeployment();
let es256: Awaited<ReturnType<typeof generateClientKey>>;
let ps256: typeof es256;
let foreign: typeof es256;

beforeAll(async () => {
  [es256, ps256, foreign] = await Promise.all([
    generateClientKey('ES256', 'one'),
    generateClientKey('PS256', 'two'),
    generateClientKey('ES256', 'one'),
  ]);
  for (const id of [CLIENT, 'client_assertive2']) {
    await registerSecretlessClient(deployment, id, {
      application_type: 'machine',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [es256.publicJwk, ps256.publicJwk] },
      scope: 'work-orders:read',
    });
  }
});

const ask = (client_assertion: string, changes: Form = {}) =>
  postForm(`${deployment.issuer}/oauth/token`, {
    grant_type: 'client_credentials',
    client_assertion_type: ASSERTION_TYPE,
    client_assertion,
    ...changes,
  });
const now = () => Math.floor(Date.now() / 1000);
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = () => ({
  iss: CLIENT,
  sub: CLIENT,
  aud: deployment.issuer,
  jti: crypto.randomUUID(),
  iat: now(),
  exp: now() + 60,
});
const refusal = { status: 401, body: { error: 'invalid_client' } };

describe('RFC 7523 client authentication by assertion', () => {
  test('§3 a signed assertion authenticates, with each algorithm of its keys', async () => {
    for (const key of [es256, ps256]) {
      expect((await ask(await signAssertion(key, CLIENT, deployment.issuer))).status).toBe(200);
    }
  });

  test('§3 oauth4webapi’s assertion is taken', async () => {
    const issuer = new URL(deployment.issuer);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const auth = oauth.PrivateKeyJwt({ key: es256.privateKey as oauth.CryptoKey, kid: es256.kid });
    const response = await oauth.clientCredentialsGrantRequest(as, { client_id: CLIENT }, auth, {}, insecure);
    const tokens = await oauth.processClientCredentialsResponse(as, { client_id: CLIENT }, response);
    expect(tokens.token_type).toBe('bearer');
  });

  test('§3 the issuer or the token endpoint as audience', async () => {
    for (const audience of [deployment.issuer, `${deployment.issuer}/oauth/token`]) {
      expect((await ask(await signAssertion(es256, CLIENT, audience))).status).toBe(200);
    }
  });

  test('§3 an exp within the hour is taken, also with a fraction of a second', async () => {
    for (const exp of [now() + 3_590, now() + 60.5]) {
      const assertion = await signAssertion(es256, CLIENT, deployment.issuer, { exp });
      expect((await ask(assertion)).status).toBe(200);
      expect(await ask(assertion)).toMatchObject(refusal);
    }
  });

  test('§3.7 a jti MUST NOT be replayed', async () => {
    const assertion = await signAssertion(es256, CLIENT, deployment.issuer);
    expect((await ask(assertion)).status).toBe(200);
    expect(await ask(assertion)).toMatchObject(refusal);
  });

  test('§3.7 of fifty parallel uses of one assertion one succeeds', async () => {
    const assertion = await signAssertion(es256, CLIENT, deployment.issuer);
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(assertion)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test.each<[string, () => JWTPayload]>([
    ['MUST be for us: the audience is another server', () => ({ aud: 'https://other.example' })],
    ['MUST be for us: the audience is a look-alike', () => ({ aud: `${deployment.issuer}.example` })],
    ['MUST have an audience', () => ({ aud: undefined as never })],
    ['MUST NOT be expired', () => ({ exp: now() - 60 })],
    ['MUST have exp', () => ({ exp: undefined as never })],
    ['MUST have iss', () => ({ iss: undefined as never })],
    ['MUST have sub', () => ({ sub: undefined as never })],
    ['MUST have jti, so that it can be used once', () => ({ jti: undefined as never })],
    ['MUST be the client’s own: iss is another', () => ({ iss: 'client_assertive2' })],
    ['MUST be the client’s own: sub is another', () => ({ sub: 'client_machine' })],
    ['MUST NOT be used before nbf', () => ({ nbf: now() + 600 })],
    ['MAY be refused for an exp unreasonably far ahead: beyond an hour', () => ({ exp: now() + 3_700 })],
    ['MAY be refused for an exp unreasonably far ahead: beyond every calendar', () => ({ exp: 1e17 })],
  ])('§3 %s', async (_, changes) => {
    const assertion = await signAssertion(es256, CLIENT, deployment.issuer, changes());
    const answer = await ask(assertion, { client_id: CLIENT });
    expect(answer.body.error).toMatch(/^invalid_(client|request)$/);
    expect([400, 401]).toContain(answer.status);
  });

  test('§3.9 a signature by another key with the same kid is refused', async () => {
    expect(await ask(await signAssertion(foreign, CLIENT, deployment.issuer))).toMatchObject(refusal);
  });

  test('§3.9 alg none is refused', async () => {
    for (const alg of ['none', 'None', 'NONE', '']) {
      const unsigned = `${encode({ alg, kid: 'one' })}.${encode(claims())}.`;
      expect((await ask(unsigned)).status).toBe(401);
    }
  });

  test('§3.9 HS256 under the public key is refused: algorithm confusion', async () => {
    const secrets = [JSON.stringify(es256.publicJwk), String(es256.publicJwk.x), 'kept-as-digests'];
    for (const secret of secrets) {
      const key = { alg: 'HS256', kid: 'one', privateKey: new TextEncoder().encode(secret.padEnd(32)) };
      expect(await ask(await signAssertion(key, CLIENT, deployment.issuer))).toMatchObject(refusal);
    }
  });

  test('§3.9 a key that the assertion itself brings is not believed', async () => {
    const header = { alg: 'ES256', jwk: foreign.publicJwk, jku: 'http://127.0.0.1:1/jwks', kid: 'one' };
    const signed = await signAssertion(foreign, CLIENT, deployment.issuer);
    const [, payload, signature] = signed.split('.');
    expect(await ask(`${encode(header)}.${payload}.${signature}`)).toMatchObject(refusal);
  });

  test('§2.2 the assertion of another client with the same keys is that client’s alone', async () => {
    const assertion = await signAssertion(es256, 'client_assertive2', deployment.issuer);
    const answer = await ask(assertion, { client_id: CLIENT });
    expect([400, 401]).toContain(answer.status);
    expect(answer.body.access_token).toBeUndefined();
  });

  test('§2.2 client_id alone, or with a secret, does not stand in for the assertion', async () => {
    const url = `${deployment.issuer}/oauth/token`;
    const form = { grant_type: 'client_credentials', client_id: CLIENT };
    expect(await postForm(url, form)).toMatchObject(refusal);
    expect(await postForm(url, { ...form, client_secret: 'kept-as-digests' })).toMatchObject(refusal);
  });

  test.each([
    ['of an unknown type', 'urn:example:assertion', undefined],
    ['that is not a JWT', ASSERTION_TYPE, 'nonsense'],
    ['with a header that is not JSON', ASSERTION_TYPE, 'e30x.e30.e30'],
    ['with claims that are not an object', ASSERTION_TYPE, `${btoa('{"alg":"ES256"}')}.${btoa('[]')}.AA`],
    ['with a null byte', ASSERTION_TYPE, 'a.b\0.c'],
  ])('§3.2 an assertion %s is a client error', async (_, client_assertion_type, value) => {
    const assertion = value ?? (await signAssertion(es256, CLIENT, deployment.issuer));
    const answer = await ask(assertion, { client_assertion_type });
    expect([400, 401]).toContain(answer.status);
    expect(answer.body.error).toMatch(/^invalid_(client|request)$/);
  });
});
