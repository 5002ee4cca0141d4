import { describe, expect, test } from 'vitest';
import { introspect } from '../harness/flow.ts';
import { authorize } from '../harness/person.ts';
import { CALLBACK } from '../harness/seed.ts';
import { useDeployment } from '../harness/use-deployment.ts';
import { createUserAgent } from '../harness/user-agent.ts';

/**
 * Requests of the form in which integrators were taught to write them: no state, no PKCE, JSON bodies, no
 * redirect_uri in the exchange, no secret in the refresh. They must keep working; see `require_pkce` and
 * `refresh_without_secret`.
 */
const deployment = useDeployment();

async function sendJson(members: Record<string, string>) {
  const response = await fetch(`${deployment.issuer}/oauth/token`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(members),
  });
  return { status: response.status, tokens: (await response.json()) as Record<string, string> };
}

async function connect(): Promise<string> {
  const query = new URLSearchParams();
  query.set('response_type', 'code');
  query.set('client_id', deployment.clients.published.client_id);
  query.set('redirect_uri', CALLBACK);
  query.set('scope', 'work-orders:read inventory:read');
  const callback = await authorize(
    createUserAgent(deployment.issuer),
    `${deployment.issuer}/oauth/authorize?${query}`,
    deployment.people.admin,
  );
  return callback.searchParams.get('code') ?? '';
}

const exchange = (code: string) =>
  sendJson({ grant_type: 'authorization_code', code, ...deployment.clients.published });
const renew = (refresh_token = '') => {
  const { client_id } = deployment.clients.published;
  return sendJson({ grant_type: 'refresh_token', refresh_token, client_id });
};

describe('RFC 6749 as the published client code speaks it', () => {
  test('§4.1.1 asks without state and PKCE, and is sent back with a code', async () => {
    expect(await connect()).toMatch(/^[\w-]{43,}$/);
  });

  test('§4.1.3 exchanges the code by JSON, without redirect_uri', async () => {
    const { status, tokens } = await exchange(await connect());
    expect(status).toBe(200);
    expect(tokens).toMatchObject({
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'work-orders:read inventory:read',
    });
    expect((await introspect(deployment, tokens.access_token ?? '')).body).toMatchObject({
      active: true,
      aud: deployment.audience,
      org_id: 'org_acme',
    });
  });

  test('§6 refreshes by JSON with its client_id alone, again and again', async () => {
    let { tokens } = await exchange(await connect());
    for (let round = 0; round < 3; round++) {
      const renewed = await renew(tokens.refresh_token);
      expect(renewed.status).toBe(200);
      expect(renewed.tokens.access_token).not.toBe(tokens.access_token);
      tokens = renewed.tokens;
    }
    expect((await introspect(deployment, tokens.access_token ?? '')).body.active).toBe(true);
  });

  test('§6 code that keeps its first refresh token for ever is answered while its successor is unused', async () => {
    const { tokens } = await exchange(await connect());
    const [first, second] = [await renew(tokens.refresh_token), await renew(tokens.refresh_token)];
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.tokens.refresh_token).toBe(first.tokens.refresh_token);
  });

  test('§4.1.2 the code still works once only, and a wrong secret never', async () => {
    const code = await connect();
    const { client_id } = deployment.clients.published;
    const form = { grant_type: 'authorization_code', code, client_id };
    expect((await sendJson(form)).status).toBe(401);
    expect((await sendJson({ ...form, client_secret: 'wrong' })).status).toBe(401);
    expect((await exchange(code)).status).toBe(200);
    expect((await exchange(code)).tokens.error).toBe('invalid_grant');
  });
});
