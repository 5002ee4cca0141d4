import { describe, expect, test } from 'vitest';
import { callBack, requestAuthorization } from '../harness/flow.ts';
import { textOf } from '../harness/person.ts';
import { CALLBACK } from '../harness/seed.ts';
import { useDeployment } from '../harness/use-deployment.ts';
import { createUserAgent } from '../harness/user-agent.ts';

const deployment = useDeployment();
const open = (url: string | URL, init: RequestInit = {}) =>
  fetch(url, { redirect: 'manual', headers: { accept: 'text/html' }, ...init });

describe('RFC 6749 authorization endpoint', () => {
  test('§3.1 MUST support GET', async () => {
    const response = await open(requestAuthorization(deployment).url);
    expect([response.status, response.headers.get('location')]).toEqual([
      303,
      expect.stringMatching(/^\/interaction\//),
    ]);
  });

  test('§3.1 MAY support POST: parameters in the body are a request too', async () => {
    const { url } = requestAuthorization(deployment);
    const posted = await open(`${url.origin}${url.pathname}`, { method: 'POST', body: url.searchParams });
    expect(posted.status).toBe(303);
    const response = await open(new URL(posted.headers.get('location') ?? '', url));
    expect([response.status, response.headers.get('location')]).toEqual([
      303,
      expect.stringMatching(/^\/interaction\//),
    ]);
  });

  test('§3.1 MUST NOT be included more than once: in the body and in the query is twice', async () => {
    const { url } = requestAuthorization(deployment);
    const response = await open(url, { method: 'POST', body: url.searchParams });
    const refused = await open(new URL(response.headers.get('location') ?? '', url));
    expect(refused.status).toBe(400);
  });

  test('§3.1 MUST ignore unrecognized parameters', async () => {
    const callback = await callBack(deployment, { parameters: { colour: 'blue', __proto__x: '1' } });
    expect([...callback.searchParams.keys()].sort()).toEqual(['code', 'iss', 'state']);
  });

  test('§3.1 parameters without a value MUST be treated as omitted', async () => {
    const callback = await callBack(deployment, { parameters: { nonce: '', login_hint: '', display: '' } });
    expect(callback.searchParams.has('code')).toBe(true);
  });

  test.each(['response_type', 'scope', 'state', 'code_challenge', 'nonce'])(
    '§3.1 parameters MUST NOT be included more than once: a second %s is an error',
    async (name) => {
      const { url } = requestAuthorization(deployment);
      url.searchParams.append(name, 'again');
      url.searchParams.append(name, 'again');
      const response = await open(url);
      const sent = new URL(response.headers.get('location') ?? '', url);
      expect(sent.href.startsWith(CALLBACK)).toBe(true);
      expect(sent.searchParams.get('error')).toBe('invalid_request');
    },
  );

  test('§3.1 a second client_id leads nowhere: the error is shown on a page', async () => {
    const { url } = requestAuthorization(deployment);
    url.searchParams.append('client_id', deployment.clients.spa.client_id);
    const response = await open(url);
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
    expect(await response.text()).toContain('<!doctype html>');
  });

  test('§3.1 a second redirect_uri is an error that no other than the registered address hears of', async () => {
    const { url } = requestAuthorization(deployment);
    url.searchParams.append('redirect_uri', 'https://attacker.example/callback');
    const sent = new URL((await open(url)).headers.get('location') ?? '', url);
    expect(sent.href.startsWith(CALLBACK)).toBe(true);
    expect(sent.searchParams.get('error')).toBe('invalid_request');
  });

  test.each([
    ['unknown', 'client_nobody'],
    ['missing', undefined],
    ['empty', ''],
    ['that of another kind of record', 'org_acme'],
  ])('§4.1.2.1 a client_id that is %s MUST NOT redirect, and is explained to the person', async (_, id) => {
    const { url } = requestAuthorization(deployment, { parameters: { client_id: id } });
    const response = await open(url);
    const html = await response.text();
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
    expect(textOf(html).length).toBeGreaterThan(40);
    expect(html).toContain(response.headers.get('x-request-id') ?? 'no request id');
  });

  test('§3.1.2.4 an application that only introspects cannot start an authorization', async () => {
    const { url } = requestAuthorization(deployment, { client: deployment.clients.resourceServer });
    const response = await open(url);
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
  });

  test('§10.13 MUST NOT be framed by another site: clickjacking', async () => {
    const agent = createUserAgent(deployment.issuer);
    const page = await agent.open(requestAuthorization(deployment).url);
    if ('location' in page) throw new Error('no page');
    const response = await open(page.url, { headers: { cookie: agent.jar.header(page.url) ?? '' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-frame-options')).toBe('DENY');
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  });

  test('§3.1 a request of more than 4096 characters is refused before anything of it is kept', async () => {
    const url = new URL('/oauth/authorize', deployment.issuer);
    url.search = new URLSearchParams({
      client_id: 'client_web',
      response_type: 'code',
      state: 's'.repeat(5000),
    }).toString();
    const response = await fetch(url, { redirect: 'manual', headers: { accept: 'application/json' } });
    expect(response.status).toBe(400);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
  });
});
