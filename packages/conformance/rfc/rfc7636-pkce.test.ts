import { deriveCodeChallenge, newCodeVerifier } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import type { Form, RequestingClient } from '../harness/endpoints.ts';
import { obtainCode, redeem, requestAuthorization } from '../harness/flow.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const deployment = useDeployment();
const PUBLIC_AND_CONFIDENTIAL = ['web', 'spa', 'native'] as const;

async function refusal(parameters: Form, client?: RequestingClient): Promise<URLSearchParams> {
  const { url } = requestAuthorization(deployment, { parameters, ...(client && { client }) });
  const response = await fetch(url, { redirect: 'manual' });
  return new URL(response.headers.get('location') ?? '', url).searchParams;
}

describe('RFC 7636 proof key for code exchange', () => {
  test.each(PUBLIC_AND_CONFIDENTIAL)(
    '§4.4.1 a request without a challenge is refused with invalid_request: %s client',
    async (name) => {
      const parameters = { code_challenge: undefined, code_challenge_method: undefined };
      const answer = await refusal(parameters, deployment.clients[name]);
      expect(answer.get('error')).toBe('invalid_request');
      expect(answer.get('error_description')).toMatch(/PKCE|code_challenge/);
    },
  );

  test.each([
    ['plain', { code_challenge_method: 'plain' }],
    ['the default method, which is plain', { code_challenge_method: undefined }],
    ['a method nobody knows', { code_challenge_method: 'S512' }],
    ['the method in small letters', { code_challenge_method: 's256' }],
  ])('§4.4.1 %s is refused', async (_, parameters: Form) => {
    expect((await refusal(parameters)).get('error')).toBe('invalid_request');
  });

  test('§4.4.1 plain is refused for the client that may leave PKCE out, too', async () => {
    const answer = await refusal({ code_challenge_method: 'plain' }, deployment.clients.published);
    expect(answer.get('error')).toBe('invalid_request');
  });

  test.each([
    ['too short', 'a'.repeat(42)],
    ['too long', 'a'.repeat(129)],
    ['with other characters', `${'a'.repeat(42)}+`],
  ])('§4.2 a challenge that is %s is refused', async (_, code_challenge) => {
    expect((await refusal({ code_challenge })).get('error')).toBe('invalid_request');
  });

  test.each([
    ['missing', undefined],
    ['empty', ''],
    ['another', newCodeVerifier()],
    ['too short', 'a'.repeat(42)],
    ['too long', 'a'.repeat(129)],
  ])('§4.6 a verifier that is %s gets no token', async (_, code_verifier) => {
    const answer = await redeem(deployment, await obtainCode(deployment), { changes: { code_verifier } });
    expect([answer.status, answer.body.access_token]).toEqual([400, undefined]);
    expect(answer.body.error).toMatch(/^invalid_(grant|request)$/);
  });

  test('§4.6 the challenge itself is not a verifier', async () => {
    const code = await obtainCode(deployment);
    const code_verifier = deriveCodeChallenge(code.verifier);
    expect((await redeem(deployment, code, { changes: { code_verifier } })).body.error).toBe('invalid_grant');
  });

  test('§4.6 the code_challenge_method of the token request changes nothing', async () => {
    const code = await obtainCode(deployment);
    const changes = { code_verifier: deriveCodeChallenge(code.verifier), code_challenge_method: 'plain' };
    expect((await redeem(deployment, code, { changes })).body.error).toBe('invalid_grant');
  });

  test('§4.6 one client’s verifier does not open another authorization’s code', async () => {
    const [one, two] = [await obtainCode(deployment), await obtainCode(deployment)];
    expect((await redeem(deployment, { ...one, verifier: two.verifier })).body.error).toBe('invalid_grant');
  });

  test('§4.6 the right verifier gets a token', async () => {
    for (const name of PUBLIC_AND_CONFIDENTIAL) {
      const client = deployment.clients[name];
      expect((await redeem(deployment, await obtainCode(deployment, { client }), { client })).status).toBe(
        200,
      );
    }
  });
});

describe('RFC 9700 PKCE downgrade', () => {
  test('§2.1.1 MUST reject a verifier where the authorization request had no challenge', async () => {
    const client = deployment.clients.published;
    const parameters = { code_challenge: undefined, code_challenge_method: undefined };
    const code = await obtainCode(deployment, { client, parameters });
    expect((await redeem(deployment, code, { client })).body.error).toBe('invalid_grant');
  });

  test('§4.8.2 a client that may leave PKCE out is held to the challenge it sent', async () => {
    const client = deployment.clients.published;
    const code = await obtainCode(deployment, { client });
    const answer = await redeem(deployment, code, { client, changes: { code_verifier: undefined } });
    expect(answer.body.error).toBe('invalid_grant');
  });
});
