import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { registerClient } from '../harness/clients.ts';
import { ahead } from '../harness/clock.ts';
import type { Form } from '../harness/endpoints.ts';
import {
  callBack,
  type FlowOptions,
  obtainTokens,
  refresh,
  requestAuthorization,
  tokensOf,
} from '../harness/flow.ts';
import { authorize } from '../harness/person.ts';
import { CALLBACK } from '../harness/seed.ts';
import { useDeployment } from '../harness/use-deployment.ts';
import { createUserAgent, type UserAgent } from '../harness/user-agent.ts';

const RS256_CLIENT = { client_id: 'client_rs256', client_secret: 'client_rs256-secret-0123456789abcdef' };
const IDENTITY = { scope: 'openid profile email' };
const deployment = useDeployment({}, (ready) =>
  registerClient(ready, RS256_CLIENT.client_id, {
    application_type: 'web',
    redirect_uris: [CALLBACK],
    id_token_signed_response_alg: 'RS256',
  }),
);
/** Signed in, and asked for consent. */
let agent: UserAgent;
beforeAll(async () => {
  agent = createUserAgent(deployment.issuer);
  await callBack(deployment, { agent, parameters: IDENTITY });
});

async function verifyIdToken(idToken: string, audience: string) {
  const keys = createRemoteJWKSet(new URL(`${deployment.issuer}/oauth/jwks`));
  return jwtVerify(idToken, keys, { issuer: deployment.issuer, audience });
}

/** What a signed-in browser meets: where it was sent, or what it was shown. */
async function silent(parameters: Form, browser = agent): Promise<'sign-in' | 'consent' | URLSearchParams> {
  const { url } = requestAuthorization(deployment, { parameters: { ...IDENTITY, ...parameters } });
  const at = await browser.open(url);
  if ('location' in at) return at.location.searchParams;
  return at.forms.some(({ fields }) => 'password' in fields) ? 'sign-in' : 'consent';
}

describe('OpenID Connect Core ID token', () => {
  test.each([
    ['ES256', undefined],
    ['RS256', RS256_CLIENT],
  ])('§2 holds iss, sub, aud, exp, iat, auth_time and the nonce, signed with %s', async (alg, client) => {
    const flow: FlowOptions = { parameters: { ...IDENTITY, nonce: 'n-0S6_WzA2Mj', max_age: '600' } };
    const { idToken } = await obtainTokens(deployment, { ...flow, ...(client && { client }) });
    const clientId = client?.client_id ?? 'client_web';
    const { payload, protectedHeader } = await verifyIdToken(idToken, clientId);
    expect(protectedHeader).toMatchObject({ alg, kid: expect.any(String) });
    expect(payload).toEqual({
      iss: deployment.issuer,
      sub: deployment.people.owner.id,
      aud: clientId,
      iat: expect.any(Number),
      exp: expect.any(Number),
      auth_time: expect.any(Number),
      nonce: 'n-0S6_WzA2Mj',
    });
  });

  test('§3.1.2.1 no ID token without the openid scope', async () => {
    expect((await obtainTokens(deployment)).answer.body.id_token).toBeUndefined();
  });

  test('§2 no nonce where the request had none', async () => {
    const { idToken } = await obtainTokens(deployment, { parameters: IDENTITY });
    expect(decodeJwt(idToken).nonce).toBeUndefined();
  });

  test('§12.2 a refreshed ID token keeps iss, sub and aud, and its auth_time', async () => {
    const first = await obtainTokens(deployment, { parameters: { ...IDENTITY, max_age: '600' } });
    const { idToken } = tokensOf(await refresh(deployment, first.refreshToken));
    const [before, after] = [decodeJwt(first.idToken), decodeJwt(idToken)];
    for (const name of ['iss', 'sub', 'aud', 'auth_time']) expect(after[name]).toEqual(before[name]);
  });
});

describe('OpenID Connect Core authentication request', () => {
  test('§3.1.2.1 prompt=none answers at once with a session, and login_required without', async () => {
    expect(await silent({ prompt: 'none' })).toSatisfy((answer: URLSearchParams) => answer.has('code'));
    const stranger = await silent({ prompt: 'none' }, createUserAgent(deployment.issuer));
    expect(stranger).toSatisfy((answer: URLSearchParams) => answer.get('error') === 'login_required');
  });

  test('§3.1.2.6 prompt=none answers consent_required for what was never agreed to', async () => {
    const answer = await silent({ prompt: 'none', scope: 'openid quality:write' });
    expect(answer).toSatisfy((params: URLSearchParams) => params.get('error') === 'consent_required');
  });

  test('§3.1.2.1 prompt=login asks for the password again, prompt=consent for the agreement', async () => {
    expect(await silent({ prompt: 'login' })).toBe('sign-in');
    expect(await silent({ prompt: 'consent' })).toBe('consent');
    expect(await silent({})).toSatisfy((answer: URLSearchParams) => answer.has('code'));
  });

  test('§3.1.2.1 max_age: an older sign-in is asked for again, and auth_time tells of the new one', async () => {
    expect(await silent({ max_age: '3600' })).toSatisfy((answer: URLSearchParams) => answer.has('code'));
    expect(await ahead(120, () => silent({ max_age: '60' }))).toBe('sign-in');
    expect(await silent({ max_age: '0' })).toBe('sign-in');
    const browser = createUserAgent(deployment.issuer);
    const first = await obtainTokens(deployment, {
      agent: browser,
      parameters: { ...IDENTITY, max_age: '60' },
    });
    const later = await ahead(120, () =>
      obtainTokens(deployment, { agent: browser, parameters: { ...IDENTITY, max_age: '60' } }),
    );
    const authTime = (token: string) => Number(decodeJwt(token).auth_time);
    expect(authTime(later.idToken) - authTime(first.idToken)).toBeGreaterThanOrEqual(119);
  });

  test.each(['-1', 'x', '1.5', '1e400'])('§3.1.2.6 max_age=%s is invalid_request', async (max_age) => {
    const answer = await silent({ max_age });
    expect(answer).toSatisfy((params: URLSearchParams) => params.get('error') === 'invalid_request');
  });

  test('§3.1.2.1 id_token_hint of the person who is signed in is answered', async () => {
    const { idToken } = await obtainTokens(deployment, { agent, parameters: IDENTITY });
    const answer = await silent({ prompt: 'none', id_token_hint: idToken });
    expect(answer).toSatisfy((params: URLSearchParams) => params.has('code'));
  });

  test('§3.1.2.1 id_token_hint of somebody else is login_required, never the signed-in person’s code', async () => {
    const { idToken } = await obtainTokens(deployment, {
      person: deployment.people.admin,
      parameters: IDENTITY,
    });
    const answer = await silent({ prompt: 'none', id_token_hint: idToken });
    expect(answer).toSatisfy((params: URLSearchParams) => params.get('error') === 'login_required');
    expect(await silent({ id_token_hint: idToken })).toBe('sign-in');
  });

  test.each(['nonsense', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyX2FkbWluIn0.', 'a.b.c'])(
    '§3.1.2.1 an id_token_hint that is not ours is refused: %s',
    async (id_token_hint) => {
      const answer = await silent({ id_token_hint });
      expect(answer).toSatisfy((params: URLSearchParams) => params.get('error') === 'invalid_request');
    },
  );

  test('§3.1.2.1 login_hint fills the form in, and is text there', async () => {
    const { url } = requestAuthorization(deployment, {
      parameters: { login_hint: '"><script>alert(1)</script>@acme.example' },
    });
    const page = await createUserAgent(deployment.issuer).open(url);
    if ('location' in page) throw new Error('no page');
    expect(page.html).not.toContain('<script>alert');
    const [form] = page.forms.filter(({ fields }) => 'password' in fields);
    expect(form?.fields.email).toBe('"><script>alert(1)</script>@acme.example');
  });

  test('§3.1.2.3 a person who signs in as another replaces the session', async () => {
    const browser = createUserAgent(deployment.issuer);
    await callBack(deployment, { agent: browser, parameters: IDENTITY });
    const { url } = requestAuthorization(deployment, { parameters: { ...IDENTITY, prompt: 'login' } });
    await authorize(browser, url, deployment.people.viewer);
    const { idToken } = await obtainTokens(deployment, { agent: browser, parameters: IDENTITY });
    expect(decodeJwt(idToken).sub).toBe(deployment.people.viewer.id);
  });
});
