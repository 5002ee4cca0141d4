import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Deployment, startDeployment } from '../harness/deployment.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment({ postgresUrl: inject('postgresUrl'), redisUrl: inject('redisUrl') });
});
afterAll(() => deployment?.close());

describe('RFC 6749 client credentials grant', () => {
  test('§4.4.3 a confidential client gets an access token and no refresh token', async () => {
    const { client_id, client_secret } = deployment.clients.machine;
    const response = await fetch(`${deployment.issuer}/oauth/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'work-orders:read' }),
    });
    const body = await response.json();
    expect(body).toEqual({
      access_token: expect.stringMatching(/^ey/),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'work-orders:read',
    });
    expect(response.headers.get('cache-control')).toBe('no-store');
  });
});
