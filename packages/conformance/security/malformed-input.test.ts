import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { basic } from '../harness/endpoints.ts';
import { requestAuthorization } from '../harness/flow.ts';
import { CALLBACK } from '../harness/seed.ts';
import { useDeployment } from '../harness/use-deployment.ts';
import { createUserAgent } from '../harness/user-agent.ts';
import { HOSTILE, NAMES, pairs, value } from './hostile-values.ts';

const deployment = useDeployment();
const ENDPOINTS = [
  '/oauth/token',
  '/oauth/introspect',
  '/oauth/revoke',
  '/oauth/userinfo',
  '/oauth/authorize',
  '/oauth/logout',
  '/oauth/logout/confirm',
  '/oauth/jwks',
  '/interaction/x/sign-in',
  '/interaction/x/consent',
];
const RUNS = 60;

async function expectNoFault(url: string, init: RequestInit): Promise<void> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const text = await response.text();
  const context = `${init.method ?? 'GET'} ${url.slice(0, 300)} → ${response.status} ${text.slice(0, 200)}`;
  expect(response.status, context).toBeLessThan(500);
  expect(text, context).not.toMatch(
    /at .*\.(js|ts):\d+|node_modules|oidc-provider|TypeError|ECONN|postgres|redis/i,
  );
}

describe('RFC 6749 input validation: malformed input is the sender’s error, never the server’s', () => {
  test.each(ENDPOINTS)('§10.14 any form at %s', async (path) => {
    await fc.assert(
      fc.asyncProperty(pairs, fc.boolean(), async (form, authenticated) => {
        const headers = authenticated ? basic(deployment.clients.web) : {};
        const body = new URLSearchParams(form);
        await expectNoFault(deployment.issuer + path, { method: 'POST', headers, body });
      }),
      { numRuns: RUNS },
    );
  });

  test.each(ENDPOINTS)('§10.14 any query at %s', async (path) => {
    await fc.assert(
      fc.asyncProperty(pairs, async (query) => {
        await expectNoFault(`${deployment.issuer}${path}?${new URLSearchParams(query)}`, {
          headers: { accept: 'text/html' },
        });
      }),
      { numRuns: RUNS },
    );
  });

  test('§10.14 any parameters beside those of a valid authorization request', async () => {
    await fc.assert(
      fc.asyncProperty(pairs, async (extra) => {
        const { url } = requestAuthorization(deployment);
        for (const [name, text] of extra) url.searchParams.set(name, text);
        await expectNoFault(url.href, { headers: { accept: 'text/html' } });
      }),
      { numRuns: RUNS * 3 },
    );
  });

  test('§10.14 any token, code, secret and resource of an authenticated client', async () => {
    const { clients, issuer } = deployment;
    await fc.assert(
      fc.asyncProperty(value, value, async (one, two) => {
        const send = (path: string, form: Record<string, string>) =>
          expectNoFault(issuer + path, {
            method: 'POST',
            headers: basic(clients.web),
            body: new URLSearchParams(form),
          });
        await send('/oauth/introspect', { token: one, token_type_hint: two });
        await send('/oauth/revoke', { token: one, token_type_hint: two });
        await send('/oauth/token', { grant_type: 'authorization_code', code: one, code_verifier: two });
        await send('/oauth/token', { grant_type: 'refresh_token', refresh_token: one, scope: two });
        await send('/oauth/token', {
          grant_type: 'authorization_code',
          code: 'x'.repeat(43),
          redirect_uri: one,
          resource: two,
        });
      }),
      { numRuns: RUNS },
    );
  });

  test('§10.14 any JSON at the token endpoint', async () => {
    const { client_id, client_secret } = deployment.clients.machine;
    const known = { grant_type: 'client_credentials', client_id, client_secret };
    const bodies = fc.oneof(
      fc.json(),
      fc.json().map((text) => `{"grant_type":${text},"client_id":${text}}`),
      fc.dictionary(fc.constantFrom(...NAMES), value).map((extra) => JSON.stringify({ ...known, ...extra })),
      fc.constantFrom(
        '',
        '{',
        '[',
        '"',
        'null',
        '[]',
        '{"__proto__":{"grant_type":"client_credentials"}}',
        '{"grant_type":["a"]}',
        '{"constructor":{"prototype":{}}}',
        `${'['.repeat(20_000)}`,
      ),
    );
    await fc.assert(
      fc.asyncProperty(bodies, (body) =>
        expectNoFault(`${deployment.issuer}/oauth/token`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        }),
      ),
      { numRuns: RUNS * 2 },
    );
    expect(({} as Record<string, unknown>).grant_type).toBeUndefined();
  });

  test('§10.14 any bytes under any content type', async () => {
    const types = [
      'application/x-www-form-urlencoded',
      'application/json',
      'multipart/form-data; boundary=x',
      'text/plain',
      'application/xml',
      'application/x-www-form-urlencoded; charset=utf-16',
      'x',
      '',
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...ENDPOINTS),
        fc.constantFrom(...types),
        fc.uint8Array({ maxLength: 200 }),
        (path, type, bytes) =>
          expectNoFault(deployment.issuer + path, {
            method: 'POST',
            headers: { 'content-type': type, ...basic(deployment.clients.web) },
            body: Buffer.from(bytes),
          }),
      ),
      { numRuns: RUNS * 3 },
    );
  });

  test('§10.14 any Authorization header and cookie', async () => {
    const text = fc.string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
      maxLength: 80,
    });
    const scheme = fc.constantFrom(
      '',
      'Basic ',
      'Bearer ',
      'DPoP ',
      'Basic Og==',
      'Basic OjpAOg',
      'latchkey_session=',
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...ENDPOINTS), scheme, text, async (path, start, rest) => {
        const headers = { authorization: start + rest, cookie: start + rest };
        await expectNoFault(deployment.issuer + path, { headers });
        await expectNoFault(deployment.issuer + path, {
          method: 'POST',
          headers,
          body: new URLSearchParams({ token: 'x' }),
        });
      }),
      { numRuns: RUNS },
    );
  });

  test('§10.14 each hostile value in each parameter of a token and an authorization request', async () => {
    const headers = basic(deployment.clients.web);
    const token = `${deployment.issuer}/oauth/token`;
    const code = { grant_type: 'authorization_code', code: 'x'.repeat(43), redirect_uri: CALLBACK };
    for (const name of NAMES) {
      await Promise.all(
        HOSTILE.map(async (text) => {
          const body = new URLSearchParams({ ...code, [name]: text });
          await expectNoFault(token, { method: 'POST', headers, body });
          const { url } = requestAuthorization(deployment);
          url.searchParams.set(name, text);
          await expectNoFault(url.href, { headers: { accept: 'text/html' } });
        }),
      );
    }
  });

  test('§10.14 each hostile value in each form of a living interaction', async () => {
    const agent = createUserAgent(deployment.issuer);
    const page = await agent.open(requestAuthorization(deployment).url);
    if ('location' in page) throw new Error('no page');
    for (const step of ['sign-in', 'consent', 'another-account']) {
      const action = new URL(`${page.url.pathname.split('/').slice(0, 3).join('/')}/${step}`, page.url);
      const headers = { cookie: agent.jar.header(action) ?? '', accept: 'text/html' };
      for (const text of HOSTILE) {
        const forms = [
          { email: text, password: text },
          { decision: text, organization: text },
          { decision: 'allow', organization: text },
        ];
        for (const form of forms) {
          await expectNoFault(action.href, { method: 'POST', headers, body: new URLSearchParams(form) });
        }
      }
    }
  });

  test('§10.14 bodies and heads that are too large are refused as such', async () => {
    const big = 'x'.repeat(300_000);
    for (const path of ENDPOINTS) {
      for (const type of ['application/x-www-form-urlencoded', 'application/json']) {
        const init = { method: 'POST', headers: { 'content-type': type, ...basic(deployment.clients.web) } };
        await expectNoFault(deployment.issuer + path, { ...init, body: `token=${big}` });
      }
    }
    const response = await fetch(`${deployment.issuer}/oauth/authorize?state=${big.slice(0, 20_000)}`);
    expect([414, 431]).toContain(response.status);
  });

  test.each([
    '/oauth/authorize/%00',
    '/interaction/%00',
    '/interaction/%ff%fe',
    '/%',
    '/%2e%2e/etc/passwd',
    '/assets/..%2f..%2fpackage.json',
    '/.well-known/%00',
    '/oauth/authorize/%E0%A4%A',
  ])('§10.14 the path %s', async (path) => {
    await expectNoFault(deployment.issuer + path, { headers: { accept: 'text/html' } });
  });

  test('§10.14 a form_post page holds what it was sent as text', async () => {
    const { url } = requestAuthorization(deployment, {
      parameters: { response_mode: 'form_post', state: '"><script>alert(1)</script>', scope: 'moon:walk' },
    });
    const html = await (await fetch(url)).text();
    expect(html).toContain('name="state"');
    expect(html).not.toContain('<script>alert');
  });
});
