import * as oauth from 'oauth4webapi';
import { describe, expect, test } from 'vitest';
import { callBack, requestAuthorization } from '../harness/flow.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const deployment = useDeployment();

describe('RFC 9207 issuer identification', () => {
  test('§2 MUST stand in a success response', async () => {
    expect((await callBack(deployment)).searchParams.getAll('iss')).toEqual([deployment.issuer]);
  });

  test('§2 MUST stand in error responses, before a person is asked and after', async () => {
    const denied = await callBack(deployment, { parameters: { prompt: 'consent' }, decision: 'deny' });
    const { url } = requestAuthorization(deployment, { parameters: { scope: 'moon:walk' } });
    const response = await fetch(url, { redirect: 'manual' });
    const refused = new URL(response.headers.get('location') ?? '', url);
    for (const { searchParams } of [denied, refused]) {
      expect(searchParams.has('error')).toBe(true);
      expect(searchParams.getAll('iss')).toEqual([deployment.issuer]);
    }
  });

  test('§3 the metadata says so, and its issuer is the same string', async () => {
    const response = await fetch(`${deployment.issuer}/.well-known/oauth-authorization-server`);
    expect(await response.json()).toMatchObject({
      issuer: deployment.issuer,
      authorization_response_iss_parameter_supported: true,
    });
  });

  test('§2.4 a client that checks it sees a mix-up: another issuer’s metadata refuses our response', async () => {
    const callback = await callBack(deployment);
    const client = { client_id: deployment.clients.web.client_id };
    const metadata = (issuer: string) => ({
      issuer,
      authorization_response_iss_parameter_supported: true,
    });
    expect(
      oauth.validateAuthResponse(metadata(deployment.issuer), client, callback, 'the-state').get('code'),
    ).toBe(callback.searchParams.get('code'));
    expect(() =>
      oauth.validateAuthResponse(metadata('https://honest.example'), client, callback, 'the-state'),
    ).toThrow(/iss/);
  });
});
