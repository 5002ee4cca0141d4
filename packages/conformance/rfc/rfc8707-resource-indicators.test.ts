import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { basic, type Form, postAs, postForm } from '../harness/endpoints.ts';
import {
  introspect,
  obtainClientToken,
  obtainCode,
  obtainTokens,
  redeem,
  refresh,
  requestAuthorization,
  tokensOf,
} from '../harness/flow.ts';
import { authorize } from '../harness/person.ts';
import { useDeployment } from '../harness/use-deployment.ts';
import { createUserAgent } from '../harness/user-agent.ts';

const OPAQUE = 'https://opaque.example.com';
const deployment = useDeployment();

describe('RFC 8707 resource indicators', () => {
  test('§2 without one the token is for the default resource server', async () => {
    expect(decodeJwt(await obtainClientToken(deployment)).aud).toBe(deployment.audience);
  });

  test('§2 the audience of the token is the resource that was asked for', async () => {
    const token = await obtainClientToken(deployment, { resource: deployment.audience });
    expect(decodeJwt(token).aud).toBe(deployment.audience);
  });

  test('§2 a resource server that asks for opaque tokens gets them', async () => {
    const token = await obtainClientToken(deployment, { resource: OPAQUE });
    expect(token).toMatch(/^[\w-]{43,}$/);
    const { clients } = deployment;
    expect((await introspect(deployment, token, clients.otherResourceServer)).body).toMatchObject({
      active: true,
      aud: OPAQUE,
      scope: 'work-orders:read',
    });
  });

  test.each([
    ['unknown', 'https://unknown.example.com'],
    ['a known one with a slash more', 'https://opaque.example.com/'],
    ['a known one in capitals', 'https://OPAQUE.example.com'],
    ['relative', '/api'],
    ['not a URI', 'opaque'],
    ['with a fragment', 'https://opaque.example.com#x'],
  ])('§2 invalid_target at the token endpoint for a resource that is %s', async (_, resource) => {
    const { clients, issuer } = deployment;
    const form: Form = { grant_type: 'client_credentials', resource };
    const answer = await postAs(clients.machine, `${issuer}/oauth/token`, form);
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
  });

  test('§2.1 invalid_target is sent to the client from the authorization endpoint', async () => {
    const { url } = requestAuthorization(deployment, {
      parameters: { resource: 'https://unknown.example.com' },
    });
    const response = await fetch(url, { redirect: 'manual' });
    const { searchParams } = new URL(response.headers.get('location') ?? '', url);
    expect(searchParams.get('error')).toBe('invalid_target');
  });

  test('§2.1 an authorization for one resource gives tokens for it', async () => {
    const { accessToken } = await obtainTokens(deployment, { parameters: { resource: OPAQUE } });
    expect(accessToken).toMatch(/^[\w-]{43,}$/);
  });

  test('§2.2 a token for a resource that was not authorized is refused', async () => {
    const code = await obtainCode(deployment);
    const other = await redeem(deployment, code, { changes: { resource: OPAQUE } });
    expect(other).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
    const { refreshToken } = await obtainTokens(deployment);
    const refreshed = await refresh(deployment, refreshToken, { changes: { resource: OPAQUE } });
    expect(refreshed).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
  });

  test('§2.2 of several authorized resources the token request chooses one, and a refresh another', async () => {
    const { url, verifier } = requestAuthorization(deployment);
    for (const resource of [deployment.audience, OPAQUE]) url.searchParams.append('resource', resource);
    const callback = await authorize(createUserAgent(deployment.issuer), url, deployment.people.owner);
    const code = callback.searchParams.get('code') ?? '';
    const first = tokensOf(
      await redeem(deployment, { code, verifier }, { changes: { resource: deployment.audience } }),
    );
    expect(decodeJwt(first.accessToken).aud).toBe(deployment.audience);
    const second = await refresh(deployment, first.refreshToken, { changes: { resource: OPAQUE } });
    expect(tokensOf(second).accessToken).toMatch(/^[\w-]{43,}$/);
  });

  test('§2.2 one access token is for one resource: two at once are refused', async () => {
    const { clients, issuer, audience } = deployment;
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'work-orders:read',
      resource: audience,
    });
    form.append('resource', OPAQUE);
    const answer = await postForm(`${issuer}/oauth/token`, form, basic(clients.machine));
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
  });

  test('§2 scopes are those of the resource: a scope of another one is refused', async () => {
    const { clients, issuer } = deployment;
    const answer = await postAs(clients.machine, `${issuer}/oauth/token`, {
      grant_type: 'client_credentials',
      resource: OPAQUE,
      scope: 'work-orders:write',
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
    expect(tokensOf(answer).accessToken).toBe('');
  });
});
