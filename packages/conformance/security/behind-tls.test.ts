import { describe, expect, test } from 'vitest';
import { requestAuthorization } from '../harness/flow.ts';
import { sendRaw } from '../harness/raw-request.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const ISSUER = 'https://auth.example.com';
const HOST = 'auth.example.com';
const deployment = useDeployment({ config: { issuer: ISSUER, trustedProxies: ['127.0.0.1'] } });
const PROXIED = { host: HOST, 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' };
const get = (path: string, headers: Record<string, string>) =>
  sendRaw(new URL(path, deployment.issuer), { accept: 'text/html', ...headers });

describe('RFC 9700 behind a proxy that ends TLS', () => {
  test('§2.6 every published address is https and the issuer’s', async () => {
    const { text } = await get('/.well-known/oauth-authorization-server', PROXIED);
    const document = JSON.parse(text) as Record<string, unknown>;
    expect(document.issuer).toBe(ISSUER);
    for (const [name, value] of Object.entries(document)) {
      if (/_endpoint$|_uri$/.test(name))
        expect([name, value]).toEqual([name, expect.stringMatching(`^${ISSUER}/`)]);
    }
  });

  test('§2.6 cookies are Secure, and the session’s name binds it to the host', async () => {
    const cookies = new Map<string, string>();
    const lines: string[] = [];
    const send = async (path: string, form?: Record<string, string>) => {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await sendRaw(new URL(path, deployment.issuer), { ...PROXIED, cookie }, form);
      for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        cookies.set(name, value);
        lines.push(line);
      }
      expect(answer.status).toBe(303);
      return new URL(answer.headers.location ?? '', ISSUER).pathname;
    };
    const { url } = requestAuthorization(deployment);
    const interaction = await send(url.pathname + url.search);
    const { email, password } = deployment.people.owner;
    await send(await send(`${interaction}/sign-in`, { email, password }));
    for (const line of lines) expect(line).toMatch(/; *secure/i);
    for (const line of lines) expect(line).not.toMatch(/; *domain=/i);
    const sessions = lines.filter((line) => /session/.test(line));
    expect(sessions).not.toEqual([]);
    for (const line of sessions) expect(line).toMatch(/^__Host-.*path=\/;/i);
  });

  test.each([
    '/oauth/authorize',
    '/oauth/token',
    '/oauth/introspect',
    '/oauth/revoke',
    '/oauth/userinfo',
    '/oauth/logout',
    '/interaction/some-uid',
    '/.well-known/oauth-authorization-server',
  ])(
    '§2.6 a request over http is refused, not redirected, though the proxy passed it on: %s',
    async (path) => {
      const { status, headers } = await get(path, { ...PROXIED, 'x-forwarded-proto': 'http' });
      expect(status).toBe(403);
      expect(headers).not.toHaveProperty('location');
      expect(headers).not.toHaveProperty('set-cookie');
      expect(headers).not.toHaveProperty('strict-transport-security');
    },
  );

  test('§2.6 a program is told so in JSON, a person on a page, before the secret is looked at', async () => {
    const form = { grant_type: 'client_credentials', ...deployment.clients.machine };
    const url = new URL('/oauth/token', deployment.issuer);
    const program = await sendRaw(
      url,
      { ...PROXIED, 'x-forwarded-proto': 'http', accept: 'text/html' },
      form,
    );
    expect(program.status).toBe(403);
    expect(JSON.parse(program.text)).toMatchObject({
      error: 'https_required',
      request_id: program.headers['x-request-id'],
    });
    const page = await get('/oauth/authorize', { ...PROXIED, 'x-forwarded-proto': 'http' });
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.text).toContain(ISSUER);
  });

  test('§2.6 a connection without TLS and without a word about it is http', async () => {
    expect((await get('/oauth/authorize', { host: HOST })).status).toBe(403);
  });

  test('§2.6 the key set and health are reached over http inside the network', async () => {
    for (const path of ['/oauth/jwks', '/.well-known/jwks.json', '/healthz', '/readyz']) {
      const { status, headers } = await get(path, { host: 'auth:3000' });
      expect([path, status]).toEqual([path, 200]);
      expect(headers).not.toHaveProperty('strict-transport-security');
    }
  });

  test('§2.6 every answer over https tells browsers to stay with https, refusals too', async () => {
    for (const path of ['/', '/oauth/jwks', '/oauth/authorize', '/nowhere', '/oauth/userinfo']) {
      const { headers } = await get(path, PROXIED);
      expect([path, headers['strict-transport-security']]).toEqual([path, 'max-age=31536000']);
    }
    const misdirected = await get('/', { ...PROXIED, host: 'evil.example' });
    expect(misdirected.headers['strict-transport-security']).toBe('max-age=31536000');
  });

  test('§2.6 the host that the browser asked the proxy for counts', async () => {
    const forwarded = { ...PROXIED, host: 'internal:3000' };
    expect((await get('/', { ...forwarded, 'x-forwarded-host': HOST })).status).toBe(200);
    expect((await get('/', { ...forwarded, 'x-forwarded-host': 'evil.example' })).status).toBe(421);
    expect((await get('/', { ...PROXIED, 'x-forwarded-host': `evil.example, ${HOST}` })).status).toBe(421);
  });
});

describe('RFC 9700 with no proxy to trust', () => {
  const alone = useDeployment({ config: { issuer: ISSUER, trustedProxies: [] } });

  test('§2.6 a stranger’s word that it came over https is not believed', async () => {
    const answer = await sendRaw(new URL('/oauth/authorize', alone.issuer), PROXIED);
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.text)).toMatchObject({ error: 'https_required' });
  });
});
