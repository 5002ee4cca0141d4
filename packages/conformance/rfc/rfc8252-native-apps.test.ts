import { describe, expect, test } from 'vitest';
import { registerSecretlessClient } from '../harness/clients.ts';
import type { Form } from '../harness/endpoints.ts';
import { callBack, obtainCode, redeem, refresh, requestAuthorization, tokensOf } from '../harness/flow.ts';
import { useDeployment } from '../harness/use-deployment.ts';
import { createUserAgent } from '../harness/user-agent.ts';

const APP = 'com.example.app:/oauth/callback';
const LINK = 'https://app.example.com/native/callback';
const client = { client_id: 'client_app' };
const deployment = useDeployment({}, (ready) =>
  registerSecretlessClient(ready, client.client_id, {
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    redirect_uris: [APP, LINK, 'http://127.0.0.1/cb', 'http://[::1]/cb', 'http://localhost/cb'],
  }),
);

async function answered(parameters: Form): Promise<Response> {
  const { url } = requestAuthorization(deployment, { client, parameters });
  return fetch(url, { redirect: 'manual', headers: { accept: 'text/html' } });
}

describe('RFC 8252 native applications', () => {
  test.each([
    'http://127.0.0.1:51004/cb',
    'http://127.0.0.1:1/cb',
    'http://[::1]:61023/cb',
    'http://127.0.0.1/cb',
  ])('§7.3 MUST allow any port of a loopback redirect: %s', async (redirect_uri) => {
    const callback = await callBack(deployment, { client, parameters: { redirect_uri } });
    expect(callback.href.startsWith(redirect_uri)).toBe(true);
    expect(callback.searchParams.has('code')).toBe(true);
  });

  test.each([
    ['another path', 'http://127.0.0.1:51004/evil'],
    ['another loopback address', 'http://127.0.0.2:51004/cb'],
    ['a host that only begins like loopback', 'http://127.0.0.1.attacker.example:51004/cb'],
    ['https', 'https://127.0.0.1:51004/cb'],
    ['user information', 'http://attacker@127.0.0.1:51004/cb'],
    ['any address', 'http://0.0.0.0:51004/cb'],
    ['a fragment', 'http://127.0.0.1:51004/cb#x'],
    ['a query', 'http://127.0.0.1:51004/cb?x=1'],
    ['another port of an https address', 'https://app.example.com:8443/native/callback'],
  ])('§7.3 only the port is free: %s is refused', async (_, redirect_uri) => {
    const response = await answered({ redirect_uri });
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
  });

  test('§7.1 a private-use scheme, exactly as registered', async () => {
    const callback = await callBack(deployment, { client, parameters: { redirect_uri: APP } });
    expect(callback.protocol).toBe('com.example.app:');
    expect(callback.searchParams.has('code')).toBe(true);
    for (const redirect_uri of ['com.example.app:/other', 'com.example.app2:/oauth/callback']) {
      expect((await answered({ redirect_uri })).headers.get('location')).toBeNull();
    }
  });

  test('§8.1 MUST use PKCE', async () => {
    const response = await answered({ redirect_uri: APP, code_challenge: undefined });
    expect(response.headers.get('location')).toMatch(/error=invalid_request/);
  });

  test('§7.3 the token request names the same port', async () => {
    const redirect_uri = 'http://127.0.0.1:51004/cb';
    const flow = { client, parameters: { redirect_uri } };
    const moved = await redeem(deployment, await obtainCode(deployment, flow), {
      client,
      changes: { redirect_uri: 'http://127.0.0.1:51005/cb' },
    });
    expect(moved.body.error).toBe('invalid_grant');
    const answer = await redeem(deployment, await obtainCode(deployment, flow), {
      client,
      changes: { redirect_uri },
    });
    expect(answer.status).toBe(200);
    expect((await refresh(deployment, tokensOf(answer).refreshToken, { client })).status).toBe(200);
  });

  test('§8.6 SHOULD NOT act without the person: consent is asked for again, prompt=none is refused', async () => {
    const agent = createUserAgent(deployment.issuer);
    await callBack(deployment, { client, agent, parameters: { redirect_uri: APP } });
    const { url } = requestAuthorization(deployment, { client, parameters: { redirect_uri: APP } });
    const again = await agent.open(url);
    expect('forms' in again && again.forms.some(({ buttons }) => buttons.includes('decision'))).toBe(true);
    const silent = requestAuthorization(deployment, {
      client,
      parameters: { redirect_uri: APP, prompt: 'none' },
    });
    const refused = await agent.open(silent.url);
    expect('location' in refused && refused.location.searchParams.get('error')).toMatch(
      /^(consent|interaction|login)_required$/,
    );
  });

  test('§8.5 no secret is expected of a public client, and none is believed', async () => {
    const code = await obtainCode(deployment, { client, parameters: { redirect_uri: LINK } });
    const pretended = { ...client, client_secret: 'anything' };
    const refused = await redeem(deployment, code, { client: pretended, changes: { redirect_uri: LINK } });
    expect(refused.body.error).toBe('invalid_client');
    expect((await redeem(deployment, code, { client, changes: { redirect_uri: LINK } })).status).toBe(200);
  });
});
