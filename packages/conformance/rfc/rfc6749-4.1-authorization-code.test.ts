import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { registerClient } from '../harness/clients.ts';
import { ahead } from '../harness/clock.ts';
import type { Form } from '../harness/endpoints.ts';
import {
  callBack,
  introspect,
  obtainClientToken,
  obtainCode,
  redeem,
  refresh,
  requestAuthorization,
  tokensOf,
} from '../harness/flow.ts';
import { CALLBACK } from '../harness/seed.ts';
import { useDeployment } from '../harness/use-deployment.ts';
import { createUserAgent } from '../harness/user-agent.ts';

const OTHER_CALLBACK = 'http://127.0.0.1:4999/other';
const deployment = useDeployment({}, (ready) =>
  registerClient(ready, 'client_two', {
    application_type: 'web',
    redirect_uris: [CALLBACK, OTHER_CALLBACK],
    scope: 'work-orders:read',
  }),
);
const twoAddresses = { client_id: 'client_two', client_secret: 'client_two-secret-0123456789abcdef' };

/** Where an authorization request is answered without asking anybody. */
async function answered(parameters: Form): Promise<URLSearchParams> {
  const { url } = requestAuthorization(deployment, { parameters });
  const response = await fetch(url, { redirect: 'manual' });
  const sent = new URL(response.headers.get('location') ?? '', url);
  expect(sent.origin + sent.pathname).toBe(CALLBACK);
  // Implicit and hybrid answers, errors too, are read from the fragment (RFC 6749 §4.2.2.1).
  return sent.hash ? new URLSearchParams(sent.hash.slice(1)) : sent.searchParams;
}

describe('RFC 6749 authorization response', () => {
  test('§4.1.2 MUST carry code, and state exactly as it was received', async () => {
    const state = 'a b&c=d/é"\'<script>%00+🏭';
    const { searchParams } = await callBack(deployment, { parameters: { state } });
    expect(searchParams.get('state')).toBe(state);
    expect(searchParams.get('code')).toMatch(/^[\w-]{43,}$/);
  });

  test('§4.1.2 has no state where the request had none', async () => {
    const { searchParams } = await callBack(deployment, { parameters: { state: undefined } });
    expect([...searchParams.keys()].sort()).toEqual(['code', 'iss']);
  });

  test('§4.1.2.1 access_denied when the person denies, with state', async () => {
    const { searchParams } = await callBack(deployment, {
      parameters: { prompt: 'consent' },
      decision: 'deny',
    });
    expect(Object.fromEntries(searchParams)).toMatchObject({ error: 'access_denied', state: 'the-state' });
    expect(searchParams.has('code')).toBe(false);
  });

  test.each(['token', 'id_token', 'id_token token', 'code token', 'code id_token', 'none', 'sms'])(
    '§4.1.2.1 unsupported_response_type for %s',
    async (response_type) => {
      expect(Object.fromEntries(await answered({ response_type, nonce: 'n' }))).toMatchObject({
        error: 'unsupported_response_type',
        state: 'the-state',
      });
    },
  );

  test.each([
    ['invalid_request', 'without response_type', { response_type: undefined }],
    ['invalid_scope', 'for a scope the client may not ask for', { scope: 'organization:write' }],
    ['invalid_scope', 'for a scope nobody knows', { scope: 'moon:walk' }],
    ['invalid_scope', 'for a scope that is not one', { scope: 'work"orders' }],
    ['request_not_supported', 'for a request object', { request: 'eyJhbGciOiJub25lIn0.e30.' }],
    [
      'request_uri_not_supported',
      'for a request object by reference',
      { request_uri: 'https://x.example/r' },
    ],
    ['login_required', 'for prompt=none without a session', { prompt: 'none', scope: 'openid' }],
    ['invalid_request', 'for prompt=none beside another', { prompt: 'none login', scope: 'openid' }],
    ['invalid_request', 'for an unknown prompt', { prompt: 'dance' }],
  ])('§4.1.2.1 %s %s, sent to the client with state', async (error, _, parameters: Form) => {
    const answer = await answered(parameters);
    expect(Object.fromEntries(answer)).toMatchObject({ error, state: 'the-state' });
    expect(answer.get('error_description') ?? '').toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/);
  });

  test('§4.1.2.1 the client hears of a cancelled sign-in', async () => {
    const agent = createUserAgent(deployment.issuer);
    const page = await agent.open(requestAuthorization(deployment).url);
    if ('location' in page) throw new Error('no page');
    const cancel = page.forms.find(({ action }) => action.endsWith('/cancel'));
    if (!cancel) throw new Error('no way to cancel');
    const left = await agent.submit(page, cancel);
    expect('location' in left && left.location.searchParams.get('error')).toBe('access_denied');
  });
});

describe('RFC 6749 access token request', () => {
  test('§4.1.2 MUST NOT use the code more than once', async () => {
    const code = await obtainCode(deployment);
    expect((await redeem(deployment, code)).status).toBe(200);
    expect(await redeem(deployment, code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  test('§4.1.2 a replayed code SHOULD revoke what was issued for it: refresh token and JWT are dead', async () => {
    const code = await obtainCode(deployment);
    const tokens = tokensOf(await redeem(deployment, code));
    expect((await introspect(deployment, tokens.accessToken)).body.active).toBe(true);
    await redeem(deployment, code);
    expect((await introspect(deployment, tokens.accessToken)).body).toEqual({ active: false });
    expect((await refresh(deployment, tokens.refreshToken)).body.error).toBe('invalid_grant');
    // What resource servers that validate by themselves go by.
    const id = String(decodeJwt(tokens.accessToken).grant_id);
    expect(await deployment.durable.revocations.findAny([{ subject: 'grant', id }])).toHaveLength(1);
  });

  test('§10.5 a replayed code ends tokens refreshed from it too', async () => {
    const code = await obtainCode(deployment);
    const first = tokensOf(await redeem(deployment, code));
    const second = tokensOf(await refresh(deployment, first.refreshToken));
    await redeem(deployment, code);
    expect((await introspect(deployment, second.accessToken)).body).toEqual({ active: false });
    expect((await refresh(deployment, second.refreshToken)).body.error).toBe('invalid_grant');
  });

  test('§4.1.3 MUST ensure that the code was issued to the authenticated client', async () => {
    const code = await obtainCode(deployment);
    for (const client of [deployment.clients.published, deployment.clients.spa]) {
      expect(await redeem(deployment, code, { client })).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
    }
  });

  test('§4.1.3 another client’s attempt does not spend the code', async () => {
    const code = await obtainCode(deployment);
    await redeem(deployment, code, { client: deployment.clients.published });
    expect((await redeem(deployment, code)).status).toBe(200);
  });

  test('§4.1.3 MUST ensure that the redirect URI is the one of the authorization request', async () => {
    const attempt = async (redirect_uri: string | undefined) => {
      const code = await obtainCode(deployment, { client: twoAddresses });
      return redeem(deployment, code, { client: twoAddresses, changes: { redirect_uri } });
    };
    expect((await attempt(OTHER_CALLBACK)).body.error).toBe('invalid_grant');
    expect((await attempt('https://attacker.example/')).body.error).toBe('invalid_grant');
    expect((await attempt(undefined)).status).toBe(400);
    expect((await attempt(CALLBACK)).status).toBe(200);
  });

  test('§4.1.2 MUST expire shortly: the code is dead after a minute', async () => {
    const code = await obtainCode(deployment);
    const late = await ahead(61, () => redeem(deployment, code));
    expect(late.body.error).toBe('invalid_grant');
  });

  test.each(['', 'x', 'a'.repeat(43), '../../etc/passwd', '{"$ne":null}', 'é'.repeat(30)])(
    '§5.2 invalid_grant or invalid_request for a code that was never issued: %j',
    async (code) => {
      const answer = await redeem(deployment, { code, verifier: 'v'.repeat(43) });
      expect(answer.status).toBe(400);
      expect(answer.body.error).toBe(code === '' ? 'invalid_request' : 'invalid_grant');
    },
  );

  test('§10.5 a token or a refresh token is not a code', async () => {
    const { refreshToken } = tokensOf(await redeem(deployment, await obtainCode(deployment)));
    for (const code of [refreshToken, await obtainClientToken(deployment)]) {
      expect((await redeem(deployment, { code, verifier: 'v'.repeat(43) })).body.error).toBe('invalid_grant');
    }
  });
});
