import { describe, expect, it } from 'vitest';
import {
  APPLICATION_TYPES,
  type ApplicationType,
  CLIENT_METADATA_MEMBERS,
  DATA_SCOPES,
  mintApiKey,
  validateClientMetadata,
} from '../src/index.ts';

const web = { client_name: 'Shop floor', redirect_uris: ['https://app.example/callback'] };
const PUBLIC_KEY = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9',
};

function accept(input: unknown) {
  const result = validateClientMetadata(input);
  if ('faults' in result) throw new Error(JSON.stringify(result.faults));
  return result.metadata;
}

function refuse(input: unknown): Record<string, string> {
  const result = validateClientMetadata(input);
  if (!('faults' in result)) throw new Error('was accepted');
  return Object.fromEntries(result.faults.map(({ field, message }) => [field, message]));
}

function minimal(type: ApplicationType): Record<string, unknown> {
  const redirects = type === 'web' || type === 'spa' || type === 'native';
  return {
    client_name: 'x',
    application_type: type,
    ...(redirects ? { redirect_uris: ['https://a.example/cb'] } : {}),
  };
}

describe('the defaults of each application type', () => {
  it.each([
    ['web', ['authorization_code', 'refresh_token'], 'client_secret_basic'],
    ['spa', ['authorization_code', 'refresh_token'], 'none'],
    ['native', ['authorization_code', 'refresh_token'], 'none'],
    ['machine', ['client_credentials'], 'client_secret_basic'],
    ['resource_server', [], 'client_secret_basic'],
  ] as const)('%s gets grants %j and %s', (type, grants, method) => {
    const metadata = accept(minimal(type));
    expect(metadata.grant_types).toEqual(grants);
    expect(metadata.token_endpoint_auth_method).toBe(method);
  });

  it('are a web client with PKCE and without exceptions', () => {
    expect(accept(web)).toMatchObject({
      application_type: 'web',
      require_pkce: true,
      refresh_without_secret: false,
      id_token_signed_response_alg: 'ES256',
      post_logout_redirect_uris: [],
    });
  });

  it('hold the published data scopes, and none of the management scopes', () => {
    const scope = accept(minimal('machine')).scope.split(' ');
    expect(scope).toEqual(Object.keys(DATA_SCOPES));
    expect(accept(web).scope).toContain('openid');
    expect(accept(web).scope).not.toContain('api-keys');
    expect(accept(minimal('resource_server')).scope).toBe('');
  });

  it('are complete: validating the answer again changes nothing', () => {
    for (const type of APPLICATION_TYPES) {
      const metadata = accept(minimal(type));
      expect(accept(metadata)).toEqual(metadata);
    }
  });
});

describe('exceptions and grants', () => {
  it('are for confidential clients alone', () => {
    const exceptions = { require_pkce: false, refresh_without_secret: true };
    expect(accept({ ...web, ...exceptions })).toMatchObject(exceptions);
    const publicClients = [
      { ...minimal('spa'), ...exceptions },
      { ...minimal('native'), ...exceptions },
      { ...minimal('native'), token_endpoint_auth_method: 'client_secret_post', ...exceptions },
      { ...web, token_endpoint_auth_method: 'none', ...exceptions },
    ];
    for (const input of publicClients) {
      expect(Object.keys(refuse(input))).toEqual(['require_pkce', 'refresh_without_secret']);
    }
  });

  it.each([
    [
      'client_credentials for a public client',
      {
        ...web,
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'client_credentials'],
      },
      'grant_types',
    ],
    ['an unknown grant', { ...web, grant_types: ['authorization_code', 'password'] }, 'grant_types[1]'],
    ['refresh_token alone', { ...minimal('machine'), grant_types: ['refresh_token'] }, 'grant_types'],
    [
      'grants of a resource server',
      { ...minimal('resource_server'), grant_types: ['client_credentials'] },
      'grant_types',
    ],
    [
      'a secret in a browser',
      { ...minimal('spa'), token_endpoint_auth_method: 'client_secret_post' },
      'token_endpoint_auth_method',
    ],
    [
      'a machine without a secret',
      { ...minimal('machine'), token_endpoint_auth_method: 'none' },
      'token_endpoint_auth_method',
    ],
    [
      'client_secret_jwt',
      { ...web, token_endpoint_auth_method: 'client_secret_jwt' },
      'token_endpoint_auth_method',
    ],
    ['private_key_jwt without keys', { ...web, token_endpoint_auth_method: 'private_key_jwt' }, 'jwks'],
    ['a scope with a quote', { ...web, scope: 'openid "x"' }, 'scope'],
    ['a plain-http link', { ...web, policy_uri: 'http://app.example/policy' }, 'policy_uri'],
    ['a javascript link', { ...web, client_uri: 'javascript:alert(1)' }, 'client_uri'],
    ['a nameless client', { ...web, client_name: '  ' }, 'client_name'],
    ['half of a surrogate pair in the name', { ...web, client_name: 'a\ud800' }, 'client_name'],
    ['an API key in the name', { ...web, client_name: `App ${mintApiKey('live').key}` }, 'client_name'],
    ['a name that reads backwards', { ...web, client_name: 'a\u202Eb' }, 'client_name'],
  ])('refuses %s', (_, input, field) => {
    expect(Object.keys(refuse(input))).toContain(field);
  });

  it('drops repeated scopes and spaces', () => {
    expect(accept({ ...web, scope: ' openid  email openid ' }).scope).toBe('openid email');
  });
});

describe('keys', () => {
  const client = { ...minimal('machine'), token_endpoint_auth_method: 'private_key_jwt' };

  it('may be given whole or by https address, not both', () => {
    expect(accept({ ...client, jwks: { keys: [PUBLIC_KEY] } }).jwks).toEqual({ keys: [PUBLIC_KEY] });
    expect(accept({ ...client, jwks_uri: 'https://a.example/jwks' }).jwks_uri).toBe('https://a.example/jwks');
    expect(refuse({ ...client, jwks: { keys: [PUBLIC_KEY] }, jwks_uri: 'https://a.example/jwks' })).toEqual({
      jwks: 'must not stand beside jwks_uri',
    });
    expect(refuse({ ...client, jwks_uri: 'http://a.example/jwks' })).toHaveProperty('jwks_uri');
  });

  it.each([
    ['a private EC key', { ...PUBLIC_KEY, d: 'x' }],
    ['a private RSA prime', { kty: 'RSA', n: 'x', e: 'AQAB', p: 'x' }],
    ['a symmetric key', { kty: 'oct', k: 'x' }],
    ['an unknown kind', { kty: 'XYZ' }],
    ['an incomplete key', { kty: 'EC', crv: 'P-256', x: 'x' }],
    ['a name that cannot be stored', { ...PUBLIC_KEY, kid: 'a\0' }],
    ['a member whose name cannot be stored', { ...PUBLIC_KEY, '\ud800': 'x' }],
    ['a certificate that cannot be stored', { ...PUBLIC_KEY, x5c: ['\0'] }],
    ['a member in depth', { ...PUBLIC_KEY, ext: { deep: true } }],
    ['no object', 'key'],
  ])('refuses %s', (_, key) => {
    expect(Object.keys(refuse({ ...client, jwks: { keys: [PUBLIC_KEY, key] } }))).toEqual(['jwks.keys[1]']);
  });

  it.each([[null], [[]], [{}], [{ keys: [] }], [{ keys: 'x' }]])('refuses %j as a key set', (jwks) => {
    expect(Object.keys(refuse({ ...client, jwks }))).toEqual(['jwks']);
  });
});

describe('faults', () => {
  it('come all at once, each with its field, unknown members by name', () => {
    const faults = refuse({
      client_name: 7,
      application_type: 'desktop',
      redirect_uris: 'https://a.example/',
      require_pkce: 'no',
      id_token_signed_response_alg: 'none',
      response_types: ['token'],
      client_secret: 'x',
    });
    expect(Object.keys(faults).toSorted()).toEqual([
      'application_type',
      'client_name',
      'client_secret',
      'id_token_signed_response_alg',
      'redirect_uris',
      'require_pkce',
      'response_types',
    ]);
  });

  it.each([[null], ['x'], [[]], [undefined], [7]])('%j is no metadata', (input) => {
    expect(refuse(input)).toEqual({ '': 'must be an object' });
  });

  it('are found behind odd names, which lend no value', () => {
    const input = JSON.parse('{"client_name":"x","__proto__":{"redirect_uris":["https://a.example/"]}}');
    expect(Object.keys(refuse(input)).toSorted()).toEqual(['__proto__', 'redirect_uris']);
  });

  it('name every member of the metadata as known', () => {
    const full = accept({
      ...web,
      jwks_uri: 'https://a.example/jwks',
      client_uri: 'https://a.example/',
      logo_uri: 'https://a.example/logo.png',
      policy_uri: 'https://a.example/policy',
      tos_uri: 'https://a.example/tos',
    });
    const members = [...Object.keys(full), 'jwks'];
    expect(members.toSorted()).toEqual(CLIENT_METADATA_MEMBERS.toSorted());
  });
});
