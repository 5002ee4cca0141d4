import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { basic, postForm } from './support/http.ts';
import { REDIRECT_URI } from './support/records.ts';
import { useScene } from './support/scene.ts';

const scene = useScene();
const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${scene.auth.issuer}${path}`, { headers, redirect: 'manual' });

interface Document extends Record<string, unknown> {
  token_endpoint_auth_methods_supported: string[];
  id_token_signing_alg_values_supported: string[];
}
const readDocument = async (response: Response) => (await response.json()) as Document;

/** `fetch` has a mind of its own about Host and conditional requests. */
function getRaw(path: string, headers: Record<string, string>): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  request(`${scene.auth.issuer}${path}`, { headers }, async (response) => {
    const chunks = await response.toArray();
    resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
  })
    .on('error', reject)
    .end();
  return promise;
}

describe('discovery', () => {
  test.each(['openid-configuration', 'oauth-authorization-server'])(
    '/.well-known/%s tells what is served, and nothing more',
    async (name) => {
      const { issuer } = scene.auth;
      const response = await get(`/.well-known/${name}`);
      const document = await readDocument(response);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(document).toMatchObject({
        issuer,
        authorization_endpoint: `${issuer}/oauth/authorize`,
        token_endpoint: `${issuer}/oauth/token`,
        introspection_endpoint: `${issuer}/oauth/introspect`,
        revocation_endpoint: `${issuer}/oauth/revoke`,
        userinfo_endpoint: `${issuer}/oauth/userinfo`,
        end_session_endpoint: `${issuer}/oauth/logout`,
        jwks_uri: `${issuer}/oauth/jwks`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
        grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
        subject_types_supported: ['public'],
        authorization_response_iss_parameter_supported: true,
        claims_parameter_supported: false,
        request_uri_parameter_supported: false,
      });
      const methods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'];
      expect(document.token_endpoint_auth_methods_supported.toSorted()).toEqual(methods.toSorted());
      expect(document.id_token_signing_alg_values_supported.toSorted()).toEqual(['ES256', 'RS256']);
      expect(document.claims_supported).toEqual(
        expect.arrayContaining(['sub', 'name', 'email', 'email_verified', 'updated_at']),
      );
      expect(document.scopes_supported).toEqual(
        expect.arrayContaining(['openid', 'profile', 'email', 'work-orders:read']),
      );
      const absent = ['registration', 'device_authorization', 'pushed_authorization_request'];
      for (const endpoint of absent) expect(document).not.toHaveProperty(`${endpoint}_endpoint`);
    },
  );

  test('names only endpoints that answer', async () => {
    const document = await readDocument(await get('/.well-known/openid-configuration'));
    for (const [name, url] of Object.entries(document)) {
      if (!name.endsWith('_endpoint') && name !== 'jwks_uri') continue;
      expect((await fetch(String(url), { method: 'OPTIONS' })).status, name).not.toBe(500);
      const methods = ['GET', 'POST'].map(async (method) => (await fetch(String(url), { method })).status);
      expect(
        (await Promise.all(methods)).some((status) => status !== 404),
        name,
      ).toBe(true);
    }
  });
});

describe('a path', () => {
  const spellings = (path: string) => [
    `${path}/`,
    path.toUpperCase(),
    path.replace(/[a-z]/, (letter) => letter.toUpperCase()),
    `${path.toUpperCase()}/`,
  ];

  test.each([
    '/oauth/authorize',
    '/oauth/authorize/uid',
    '/oauth/logout',
    '/oauth/logout/confirm',
    '/oauth/token',
    '/oauth/introspect',
    '/oauth/revoke',
    '/oauth/userinfo',
    '/oauth/jwks',
    '/leaked-keys',
    '/interaction/uid',
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server',
  ])('%s is found as it is written and in no other way', async (path) => {
    for (const spelling of spellings(path)) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const response = await fetch(`${scene.auth.issuer}${spelling}`, { method, redirect: 'manual' });
        expect(response.status, `${method} ${spelling}`).toBe(404);
      }
    }
  });
});

describe('the host', () => {
  test.each(['/.well-known/openid-configuration', '/oauth/authorize', '/oauth/token', '/'])(
    'other than the issuer’s is refused at %s, with the right address',
    async (path) => {
      const { status, body } = await getRaw(path, { host: 'evil.test' });
      expect(status).toBe(421);
      expect(JSON.parse(body)).toMatchObject({ error: 'misdirected_request' });
      expect(body).toContain(scene.auth.issuer);
      expect(body).not.toContain('evil.test');
    },
  );

  test('in X-Forwarded-Host is not believed from a stranger', async () => {
    const headers = { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https' };
    const response = await get('/.well-known/openid-configuration', headers);
    expect(response.status).toBe(200);
    expect(await response.text()).not.toMatch(/evil|https:/);
  });

  test('does not matter to the key set, which names no URL, and to health checks', async () => {
    expect((await getRaw('/oauth/jwks', { host: 'auth:3000' })).body).not.toContain('auth:3000');
    expect((await getRaw('/oauth/jwks', { host: 'auth:3000' })).status).toBe(200);
    expect((await getRaw('/healthz', { host: '10.0.0.1:8080' })).status).toBe(200);
    expect((await getRaw('/readyz', { host: '10.0.0.1:8080' })).status).toBe(200);
  });
});

describe('pages', () => {
  test('greet at the root and serve their assets for ever', async () => {
    const home = await get('/', { accept: 'text/html' });
    const html = await home.text();
    expect(home.headers.get('content-security-policy')).toContain("default-src 'none'");
    const path = /\/assets\/[^"]+\.css/.exec(html)?.[0] ?? '';
    const asset = await get(path);
    expect(asset.headers.get('cache-control')).toContain('immutable');
    expect(asset.headers.get('content-type')).toContain('text/css');
    const etag = asset.headers.get('etag') ?? '';
    expect((await getRaw(path, { 'if-none-match': etag })).status).toBe(304);
  });

  test('show errors with the request id instead of redirecting to an unregistered address', async () => {
    const query = new URLSearchParams({
      client_id: scene.client.id,
      response_type: 'code',
      redirect_uri: `${REDIRECT_URI}/more`,
    });
    const response = await get(`/oauth/authorize?${query}`, { accept: 'text/html' });
    expect(response.status).toBe(400);
    expect(response.headers.has('location')).toBe(false);
    expect(await response.text()).toContain(response.headers.get('x-request-id'));
  });
});

describe('responses', () => {
  test('that ask for a client name this server, whatever page asked', async () => {
    for (const headers of [{}, { origin: 'https://evil.test' }, { origin: 'x", error="none' }]) {
      const answer = await postForm(`${scene.auth.issuer}/oauth/revoke`, { token: 'x' }, headers);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe(`Basic realm="${scene.auth.issuer}"`);
    }
  });

  test.each(['token', 'id_token', 'code id_token', 'none'])('of type %s are not supported', async (type) => {
    const query = new URLSearchParams({
      client_id: scene.client.id,
      response_type: type,
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      nonce: 'n',
    });
    const response = await get(`/oauth/authorize?${query}`);
    const parameters = new URL(response.headers.get('location') ?? '').href.replace('#', '?');
    expect(new URL(parameters).searchParams.get('error')).toBe('unsupported_response_type');
  });

  test('to pages of other origins are for the client that returns there', async () => {
    const spa = await scene.records.addClient({
      application_type: 'spa',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    });
    const ask = (origin: string) =>
      postForm(
        `${scene.auth.issuer}/oauth/token`,
        { grant_type: 'refresh_token', refresh_token: 'x'.repeat(43), client_id: spa.id },
        { origin },
      );
    const own = await ask('https://app.example.com');
    expect(own.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect(own.body.error).toBe('invalid_grant');
    const foreign = await ask('https://evil.test');
    expect(foreign.headers.has('access-control-allow-origin')).toBe(false);
    expect(foreign.body.error).toBe('invalid_request');
    const confidential = await postForm(
      `${scene.auth.issuer}/oauth/token`,
      { grant_type: 'client_credentials' },
      { ...basic(scene.client), origin: 'https://app.example.com' },
    );
    expect(confidential.status).toBe(400);
  });

  test.each([123, null, true, ['client_x'], { a: 1 }])(
    'to an assertion whose subject is %j are a refusal',
    async (sub) => {
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const form = {
        token: 'x',
        grant_type: 'client_credentials',
        client_assertion: `${part({ alg: 'ES256' })}.${part({ sub })}.AAAA`,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      };
      for (const path of ['token', 'introspect', 'revoke']) {
        const { status, body } = await postForm(`${scene.auth.issuer}/oauth/${path}`, form);
        expect([400, 401], `${path} ${JSON.stringify(body)}`).toContain(status);
      }
    },
  );

  test.each([
    ['application/x-www-form-urlencoded-x', 400],
    ['application/json-patch+json', 400],
    ['application/x-www-form-urlencoded ; charset=utf-8', 200],
  ])('to a body of type %s are %i: a type is not what it begins with', async (type, status) => {
    const fields = { grant_type: 'client_credentials', scope: 'work-orders:read' };
    const body = type.includes('json') ? JSON.stringify(fields) : String(new URLSearchParams(fields));
    const headers = { ...basic(scene.client), 'content-type': type };
    const response = await fetch(`${scene.auth.issuer}/oauth/token`, { method: 'POST', headers, body });
    expect(response.status).toBe(status);
  });

  test('to bad input are never a server error', async () => {
    const { issuer } = scene.auth;
    const paths = ['token', 'introspect', 'revoke', 'userinfo', 'authorize', 'logout', 'logout/confirm'];
    const bodies = ['', 'token', 'client_id=%00', 'client_id=a&client_id=b', `client_id=${'x'.repeat(5000)}`];
    for (const path of paths) {
      for (const body of bodies) {
        const headers = { 'content-type': 'application/x-www-form-urlencoded' };
        const response = await fetch(`${issuer}/oauth/${path}`, { method: 'POST', headers, body });
        expect(response.status, `${path} ${body.slice(0, 20)}`).toBeLessThan(500);
        const queried = await fetch(`${issuer}/oauth/${path}?${body}`, { redirect: 'manual' });
        expect(queried.status, `${path}?${body.slice(0, 20)}`).toBeLessThan(500);
      }
    }
  });
});
