import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { postAs } from '../harness/endpoints.ts';
import {
  callBack,
  introspect,
  obtainCode,
  obtainTokens,
  redeem,
  refresh,
  requestAuthorization,
  tokensOf,
} from '../harness/flow.ts';
import { useDeployment } from '../harness/use-deployment.ts';
import { createUserAgent } from '../harness/user-agent.ts';

const deployment = useDeployment();

describe('RFC 9700 best current security practice', () => {
  test('§2.1.2 no access token comes out of the authorization endpoint', async () => {
    for (const response_type of ['token', 'id_token token', 'code token', 'code id_token token']) {
      const { url } = requestAuthorization(deployment, { parameters: { response_type, nonce: 'n' } });
      const response = await fetch(url, { redirect: 'manual' });
      expect(response.headers.get('location')).toMatch(/error=unsupported_response_type/);
      expect(response.headers.get('location')).not.toMatch(/access_token|id_token=/);
    }
  });

  test('§2.4 MUST NOT support the password grant', async () => {
    const { email, password } = deployment.people.owner;
    const answer = await postAs(deployment.clients.web, `${deployment.issuer}/oauth/token`, {
      grant_type: 'password',
      username: email,
      password,
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'unsupported_grant_type' } });
  });

  test('§4.2.4 state and code are not held by pages that the browser leaves: Referrer-Policy', async () => {
    const agent = createUserAgent(deployment.issuer);
    const page = await agent.open(requestAuthorization(deployment).url);
    if ('location' in page) throw new Error('no page');
    const cookie = agent.jar.header(page.url) ?? '';
    const response = await fetch(page.url, { headers: { cookie, accept: 'text/html' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('referrer-policy')).toMatch(/^(no-referrer|same-origin)$/);
  });

  test('§4.3.1 the code is of no use in the browser’s history: once, a minute, its client, its verifier', async () => {
    const code = await obtainCode(deployment);
    expect((await redeem(deployment, { ...code, verifier: 'x'.repeat(43) })).status).toBe(400);
  });

  test('§4.5 code injection: a code of another person’s browser fails on the verifier of this one', async () => {
    const attacker = await obtainCode(deployment, { person: deployment.people.viewer });
    const victim = requestAuthorization(deployment);
    expect((await redeem(deployment, { ...attacker, verifier: victim.verifier })).body.error).toBe(
      'invalid_grant',
    );
  });

  test('§4.11.2 MUST NOT redirect by itself to addresses it does not know: no open redirector', async () => {
    const attacker = 'https://attacker.example/';
    const attempts = [
      requestAuthorization(deployment, { parameters: { redirect_uri: attacker } }).url.href,
      requestAuthorization(deployment, { parameters: { redirect_uri: attacker, prompt: 'none' } }).url.href,
      requestAuthorization(deployment, { parameters: { redirect_uri: attacker, scope: 'x' } }).url.href,
      requestAuthorization(deployment, { parameters: { redirect_uri: attacker, response_mode: 'form_post' } })
        .url.href,
      `${deployment.issuer}/oauth/logout?post_logout_redirect_uri=${attacker}`,
      `${deployment.issuer}/oauth/logout/success?client_id=client_web&post_logout_redirect_uri=${attacker}`,
      `${deployment.issuer}//attacker.example/`,
      `${deployment.issuer}/?next=${attacker}`,
      `${deployment.issuer}/interaction/x/sign-in?returnTo=${attacker}`,
    ];
    for (const url of attempts) {
      const response = await fetch(url, { redirect: 'manual', headers: { accept: 'text/html' } });
      expect(response.headers.get('location') ?? '').not.toContain('attacker');
      expect(response.headers.get('refresh')).toBeNull();
      expect(await response.text()).not.toMatch(/(href|action)="https:\/\/attacker/);
    }
  });

  test('§4.12 redirects after a post are 303: a password is never posted on', async () => {
    const agent = createUserAgent(deployment.issuer);
    const page = await agent.open(requestAuthorization(deployment).url);
    if ('location' in page) throw new Error('no page');
    const form = page.forms.find(({ fields }) => 'password' in fields);
    const { email, password } = deployment.people.owner;
    const response = await fetch(new URL(form?.action ?? '', page.url), {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: agent.jar.header(new URL(form?.action ?? '', page.url)) ?? '' },
      body: new URLSearchParams({ ...form?.fields, email, password }),
    });
    expect(response.status).toBe(303);
  });

  test('§4.14.2 refresh tokens of public clients rotate; a replay ends the family and its access tokens', async () => {
    const client = deployment.clients.native;
    const stolen = await obtainTokens(deployment, { client });
    const honest = tokensOf(await refresh(deployment, stolen.refreshToken, { client }));
    const next = tokensOf(await refresh(deployment, honest.refreshToken, { client }));
    expect((await refresh(deployment, stolen.refreshToken, { client })).body.error).toBe('invalid_grant');
    expect((await introspect(deployment, next.accessToken)).body).toEqual({ active: false });
  });

  test('§2.3 tokens hold the audience and the scopes that were asked for, and no more', async () => {
    const claims = decodeJwt((await obtainTokens(deployment)).accessToken);
    expect([claims.aud, claims.scope]).toEqual([deployment.audience, 'work-orders:read']);
  });

  test('§4.15 a client cannot pass for a person: its id is in a space of its own', async () => {
    const { body } = await postAs(deployment.clients.machine, `${deployment.issuer}/oauth/token`, {
      grant_type: 'client_credentials',
    });
    expect(decodeJwt(String(body.access_token)).sub).toMatch(/^client_/);
    expect(decodeJwt((await obtainTokens(deployment)).accessToken).sub).toMatch(/^user_/);
  });

  test('§4.4.2 mix-up: the issuer in the response is this one’s, in every response mode', async () => {
    const callback = await callBack(deployment, { parameters: { response_mode: 'fragment' } });
    const answer = new URLSearchParams(callback.hash.slice(1));
    expect([answer.get('iss'), answer.has('code')]).toEqual([deployment.issuer, true]);
  });
});
