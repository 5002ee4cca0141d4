import { describe, expect, test } from 'vitest';
import type { GuardOptions, RoutePolicy } from '../src/index.ts';
import {
  AUDIENCE,
  createKey,
  createKeyServer,
  createTestGuard,
  ISSUER,
  identify,
  NOW,
  outcome,
  outcomeOf,
  refusalOf,
  requestOf,
  sign,
} from './issuer.ts';

const key = await createKey('k1');
const server = createKeyServer(key);
const bearer = async (claims = {}) => `Bearer ${await sign(key, claims)}`;

describe('the principal', () => {
  test('of a person through a client says who, through what, where and with which scopes', async () => {
    const principal = await identify(createTestGuard(server), await bearer());
    expect(principal).toEqual({
      kind: 'user',
      accountId: 'user_1',
      clientId: 'client_1',
      credentialId: 'client_1',
      organizationId: 'org_1',
      environment: 'test',
      role: 'developer',
      plan: 'free',
      scopes: new Set(['orders:read', 'orders:write']),
      tokenId: 'token-1',
      grantId: 'grant_1',
    });
  });

  test('of a client on its own has no account (RFC 9068 §2.2: sub is the client)', async () => {
    const claims = { sub: 'client_1', grant_id: undefined, role: undefined, scope: undefined };
    const principal = await identify(createTestGuard(server), await bearer(claims));
    expect(principal).toMatchObject({ kind: 'client', clientId: 'client_1', scopes: new Set() });
    expect(principal).not.toHaveProperty('accountId');
    expect(principal).not.toHaveProperty('role');
  });

  test('of a role or plan that is not known yet has none', async () => {
    const principal = await identify(createTestGuard(server), await bearer({ role: 'root', plan: 'gold' }));
    expect(principal).not.toHaveProperty('role');
    expect(principal).not.toHaveProperty('plan');
  });

  test('cannot be changed by a handler: it serves every request with the token', async () => {
    const principal = await identify(createTestGuard(server), await bearer());
    expect(() => Object.assign(principal, { organizationId: 'org_2' })).toThrow(TypeError);
    for (const method of ['add', 'delete', 'clear'] as const) {
      expect(() => (principal.scopes as Set<string>)[method]('orders:read')).toThrow(TypeError);
    }
  });
});

describe('a token that was verified before', () => {
  test('is answered at once, with the same principal, however its scheme is spelled', async () => {
    const guard = createTestGuard(server);
    const token = await bearer();
    const check = guard.protect();
    const { principal } = await check(requestOf({ authorization: token }));
    for (const authorization of [token, token.replace('Bearer', 'bearer')]) {
      const again = check(requestOf({ authorization }));
      expect(again).not.toBeInstanceOf(Promise);
      expect((await again).principal).toBe(principal);
    }
  });

  test('ends at its expiry, to the second', async () => {
    const guard = createTestGuard(server);
    const token = await bearer({ exp: NOW + 60 });
    await identify(guard, token);
    guard.clock.seconds = NOW + 59;
    expect(await outcome(guard, token)).toBe('accepted');
    guard.clock.seconds = NOW + 60;
    expect(await outcome(guard, token)).toBe('token_expired');
  });

  test('ends when it is revoked, and so does one that comes for the first time', async () => {
    const revoked = new Set<string>();
    const guard = createTestGuard(server, { revocations: { isRevoked: ({ jti }) => revoked.has(jti) } });
    const [known, fresh] = [await bearer(), await bearer({ jti: 'token-2' })];
    await identify(guard, known);
    revoked.add('token-1').add('token-2');
    expect(await outcome(guard, known)).toBe('token_revoked');
    expect(await outcome(guard, fresh)).toBe('token_revoked');
  });

  test('is not mistaken for one that differs in a single character', async () => {
    const guard = createTestGuard(server);
    const token = await bearer();
    await identify(guard, token);
    const at = token.lastIndexOf('.') + 5;
    const other = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
    expect(await outcome(guard, other)).toBe('signature_wrong');
  });
});

test('five seconds of a clock that is ahead are forgiven, six are not', async () => {
  expect(await outcome(createTestGuard(server), await bearer({ iat: NOW + 5, nbf: NOW + 5 }))).toBe(
    'accepted',
  );
  expect(await outcome(createTestGuard(server), await bearer({ iat: NOW + 6 }))).toBe('token_not_yet_valid');
});

describe('scopes', () => {
  test.each<[string, string | string[] | undefined]>([
    ['accepted', undefined],
    ['accepted', []],
    ['accepted', 'orders:read'],
    ['accepted', ['orders:read', 'orders:write']],
    ['scope_insufficient', ['orders:read', 'orders:delete']],
    ['scope_insufficient', 'orders'],
    ['scope_insufficient', 'orders:read orders:write'],
  ])('%s where the route asks for %j', async (expected, scope) => {
    const policy = scope === undefined ? {} : { scope };
    expect(await outcomeOf(createTestGuard(server), { authorization: await bearer() }, policy)).toBe(
      expected,
    );
  });

  test('RFC 6750 §3.1: what is missing is a 403 whose challenge names what the resource needs', async () => {
    const policy = { scope: ['orders:delete', 'orders:read'] };
    const refusal = await refusalOf(createTestGuard(server), { authorization: await bearer() }, policy);
    expect(refusal).toMatchObject({ status: 403, code: 'insufficient_scope' });
    const words = 'The access token or API key lacks a scope that this needs: orders:delete';
    expect(refusal.toBody()).toEqual({ error: 'insufficient_scope', error_description: words });
    expect(refusal.headers['WWW-Authenticate']).toBe(
      `Bearer error="insufficient_scope", error_description="${refusal.description}", ` +
        'scope="orders:delete orders:read", ' +
        'resource_metadata="https://api.example.test/.well-known/oauth-protected-resource"',
    );
  });
});

test('RFC 9728 §2: the metadata names the resource, its issuer, its scopes and the header as the only way', () => {
  const metadata = { scopesSupported: ['a'], name: 'Orders', documentationUrl: 'https://docs.example.test/' };
  expect(createTestGuard(server, { metadata }).metadata).toEqual({
    resource: AUDIENCE,
    authorization_servers: [ISSUER],
    scopes_supported: ['a'],
    bearer_methods_supported: ['header'],
    resource_name: 'Orders',
    resource_documentation: 'https://docs.example.test/',
  });
  const guard = createTestGuard(server, { audience: 'https://example.test/orders' });
  expect(guard.metadataPath).toBe('/.well-known/oauth-protected-resource/orders');
});

describe('is refused when it is made, in words that say what is wrong:', () => {
  test.each<[string, Partial<GuardOptions>, RegExp]>([
    ['no audience', { audience: undefined as never }, /^audience must be an http or https URL/],
    ['an audience that is no URL', { audience: 'orders' }, /^audience must be .* not orders/],
    ['an audience that has no host', { audience: 'urn:orders' }, /^audience must be/],
    ['an audience with a fragment', { audience: `${AUDIENCE}#a` }, /^audience must not have a fragment/],
    ['no issuer', { issuer: undefined as never }, /^issuer must be an http or https URL/],
    ['an issuer without its scheme', { issuer: 'auth.example.test' }, /^issuer must be/],
    [
      'an issuer with a slash that no token has',
      { issuer: `${ISSUER}/` },
      /^issuer must not end with a slash/,
    ],
    [
      'options it does not know',
      { revocation: {}, limits: {} } as never,
      /no revocation, limits, only issuer/,
    ],
  ])('a guard with %s', (_, options, words) => {
    const make = () => createTestGuard(server, options);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(words);
  });

  test.each<[string, RoutePolicy, RegExp]>([
    [
      '`scopes`, which would ask for nothing',
      { scopes: ['orders:read'] } as never,
      /no scopes, only name, scope/,
    ],
    [
      'a limit that nothing counts',
      { name: 'r', limit: { requests: 1, windowSeconds: 1 } },
      /needs the limiter/,
    ],
  ])('a policy with %s', (_, policy, words) => {
    const make = () => createTestGuard(server).protect(policy);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(words);
  });
});

test('a guard takes an audience on this machine, with a path or a slash of its own', () => {
  for (const audience of ['http://localhost:3100', `${AUDIENCE}/`, `${AUDIENCE}/v1`])
    expect(createTestGuard(server, { audience }).metadata.resource).toBe(audience);
});
