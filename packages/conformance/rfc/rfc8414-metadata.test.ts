import * as oauth from 'oauth4webapi';
import { describe, expect, test } from 'vitest';
import { registerClient } from '../harness/clients.ts';
import { postAs, postForm } from '../harness/endpoints.ts';
import { obtainTokens, requestAuthorization } from '../harness/flow.ts';
import { CALLBACK } from '../harness/seed.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const deployment = useDeployment();
const DOCUMENTS = ['oauth-authorization-server', 'openid-configuration'] as const;
const ENDPOINTS = {
  authorization_endpoint: '/oauth/authorize',
  token_endpoint: '/oauth/token',
  introspection_endpoint: '/oauth/introspect',
  revocation_endpoint: '/oauth/revoke',
  userinfo_endpoint: '/oauth/userinfo',
  jwks_uri: '/oauth/jwks',
  end_session_endpoint: '/oauth/logout',
};

async function metadata(name: (typeof DOCUMENTS)[number] = 'oauth-authorization-server') {
  const response = await fetch(`${deployment.issuer}/.well-known/${name}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
}

describe('RFC 8414 authorization server metadata', () => {
  test.each(['oauth2', 'oidc'] as const)(
    '§3.3 the issuer MUST be identical to the one it was asked at: %s document, by oauth4webapi',
    async (algorithm) => {
      const issuer = new URL(deployment.issuer);
      const response = await oauth.discoveryRequest(issuer, {
        algorithm,
        [oauth.allowInsecureRequests]: true,
      });
      const as = await oauth.processDiscoveryResponse(issuer, response);
      expect(as.issuer).toBe(deployment.issuer);
    },
  );

  test('§3.2 is application/json, and both documents say the same', async () => {
    const response = await fetch(`${deployment.issuer}/.well-known/oauth-authorization-server`);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await metadata('openid-configuration')).toEqual(await response.json());
  });

  test('§2 the endpoints are these and no others, all at the issuer', async () => {
    const document = await metadata();
    const named = Object.entries(document).filter(([name]) => /_endpoint$|_uri$/.test(name));
    const expected = Object.entries(ENDPOINTS).map(([name, path]) => [name, deployment.issuer + path]);
    expect(Object.fromEntries(named)).toEqual(Object.fromEntries(expected));
    expect(document.mtls_endpoint_aliases).toBeUndefined();
  });

  test.each(Object.entries(ENDPOINTS))('§2 %s answers', async (_, path) => {
    const responses = [
      await fetch(deployment.issuer + path, { redirect: 'manual' }),
      await fetch(deployment.issuer + path, {
        method: 'POST',
        body: new URLSearchParams({ x: '1' }),
        redirect: 'manual',
      }),
    ];
    expect(responses.some(({ status }) => status !== 404 && status < 500)).toBe(true);
  });

  test('§2 what it supports is this and no more', async () => {
    expect(await metadata()).toMatchObject({
      response_types_supported: ['code'],
      response_modes_supported: expect.arrayContaining(['query', 'form_post']),
      code_challenge_methods_supported: ['S256'],
      id_token_signing_alg_values_supported: expect.arrayContaining(['ES256', 'RS256']),
      subject_types_supported: ['public'],
      claims_parameter_supported: false,
      request_uri_parameter_supported: false,
    });
  });

  test('§2 grant types: each works, each other is unsupported', async () => {
    const supported = (await metadata()).grant_types_supported as string[];
    expect([...supported].sort()).toEqual(['authorization_code', 'client_credentials', 'refresh_token']);
    const tried = [...supported, 'implicit', 'password', 'urn:ietf:params:oauth:grant-type:device_code'];
    for (const grant_type of tried) {
      const answer = await postAs(deployment.clients.machine, `${deployment.issuer}/oauth/token`, {
        grant_type,
      });
      expect([grant_type, answer.body.error === 'unsupported_grant_type']).toEqual([
        grant_type,
        !supported.includes(grant_type),
      ]);
    }
  });

  test('§2 client authentication: no method whose secret would have to be kept in clear', async () => {
    const document = await metadata();
    for (const endpoint of ['token', 'introspection', 'revocation']) {
      expect([...(document[`${endpoint}_endpoint_auth_methods_supported`] as string[])].sort()).toEqual([
        'client_secret_basic',
        'client_secret_post',
        'none',
        'private_key_jwt',
      ]);
      const algorithms = document[`${endpoint}_endpoint_auth_signing_alg_values_supported`] as string[];
      expect(algorithms.filter((name) => /^(none|HS)/.test(name))).toEqual([]);
    }
  });

  test('§2 every response mode that is named is answered in that way', async () => {
    const modes = (await metadata()).response_modes_supported as string[];
    for (const response_mode of modes) {
      const { url } = requestAuthorization(deployment, { parameters: { response_mode, scope: 'moon:walk' } });
      const response = await fetch(url, { redirect: 'manual', headers: { accept: 'text/html' } });
      const location = response.headers.get('location') ?? '';
      if (response_mode === 'form_post') expect(await response.text()).toContain('name="error"');
      else expect(location).toContain(response_mode === 'fragment' ? '#error=' : '?error=');
    }
  });

  test('§2 every scope that is named can be granted', async () => {
    const scopes = (await metadata()).scopes_supported as string[];
    const scope = scopes.filter((name) => name !== 'offline_access').join(' ');
    const client = await registerClient(deployment, 'client_all_scopes', {
      application_type: 'web',
      redirect_uris: [CALLBACK],
      scope,
    });
    const { answer } = await obtainTokens(deployment, { client, parameters: { scope } });
    const granted = new Set(String(answer.body.scope).split(' '));
    expect(scopes.filter((scope) => !granted.has(scope) && scope !== 'offline_access')).toEqual([]);
  });

  test('§2 ID tokens have no claims but those that are named', async () => {
    const named = (await metadata()).claims_supported as string[];
    const { idToken, accessToken } = await obtainTokens(deployment, {
      parameters: { scope: 'openid profile email', nonce: 'n' },
    });
    const response = await fetch(`${deployment.issuer}/oauth/userinfo`, {
      headers: { authorization: `Bearer ${accessToken}` },
    });
    const claims = { ...((await response.json()) as object), ...claimsOf(idToken) };
    const protocolClaims = ['at_hash', 'exp', 'iat', 'nonce', 'aud'];
    expect(Object.keys(claims).filter((name) => ![...named, ...protocolClaims].includes(name))).toEqual([]);
  });

  test('§2 what is off is off: registration, device codes, pushed requests', async () => {
    for (const path of [
      '/reg',
      '/oauth/register',
      '/device',
      '/device/auth',
      '/request',
      '/backchannel',
      '/auth',
    ]) {
      expect((await postForm(deployment.issuer + path, { client_id: 'client_web' })).status).toBe(404);
    }
  });
});

function claimsOf(token: string): object {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

describe('RFC 7517 JSON web key set', () => {
  test.each(['/oauth/jwks', '/.well-known/jwks.json'])(
    '§5 %s holds public keys: no private member',
    async (path) => {
      const response = await fetch(deployment.issuer + path);
      const { keys } = (await response.json()) as { keys: Record<string, unknown>[] };
      expect(response.headers.get('content-type')).toMatch(/^application\/(jwk-set\+)?json/);
      expect(response.headers.get('cache-control')).toMatch(/max-age=\d+/);
      expect(keys.length).toBeGreaterThanOrEqual(2);
      for (const key of keys) {
        expect(
          Object.keys(key).filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].includes(name)),
        ).toEqual([]);
      }
    },
  );

  test('§4 every key has a kid of its own, alg and use, and the algorithms are those of ID tokens', async () => {
    const response = await fetch(`${deployment.issuer}/oauth/jwks`);
    const { keys } = (await response.json()) as {
      keys: { kid: string; alg: string; use: string; kty: string }[];
    };
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length);
    expect(keys.every(({ use }) => use === 'sig')).toBe(true);
    const { id_token_signing_alg_values_supported: algorithms } = await metadata();
    expect(keys.map(({ alg }) => alg).sort()).toEqual([...(algorithms as string[])].sort());
  });
});

describe('RFC 7518 JSON web algorithms', () => {
  test('§3.3 RSA keys have at least 2048 bits', async () => {
    const response = await fetch(`${deployment.issuer}/oauth/jwks`);
    const { keys } = (await response.json()) as { keys: { n?: string }[] };
    const moduli = keys.flatMap(({ n }) => (n === undefined ? [] : [Buffer.from(n, 'base64url').length * 8]));
    expect(moduli.length).toBe(1);
    expect(Math.min(...moduli)).toBeGreaterThanOrEqual(2048);
  });
});
