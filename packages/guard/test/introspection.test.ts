import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createIntrospection, type GuardOptions, type IntrospectionOptions } from '../src/index.ts';
import { type IntrospectionServer, startIntrospection } from './introspection-server.ts';
import {
  AUDIENCE,
  CLAIMS,
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
import { createLimiter, createLookup, createOrganizations, type IssuedKey, mint, only } from './ports.ts';

const signer = await createKey('k1');
const keyServer = createKeyServer(signer);
const OPAQUE = 'opaque-token-of-somebody';
const TOKEN = { ...CLAIMS, active: true, token_type: 'Bearer', jti: undefined };

let server: IntrospectionServer;
beforeEach(async () => {
  server = await startIntrospection();
});
afterEach(() => server.close());

function setUp(options: Partial<GuardOptions> = {}, client: Partial<IntrospectionOptions> = {}) {
  const clock = { seconds: NOW };
  const now = () => clock.seconds * 1000;
  const { endpoint } = server;
  const credentials = { clientId: 'rs:1 ü', clientSecret: 'a+b/c%' };
  const introspection = createIntrospection({ endpoint, ...credentials, now, ...client });
  return { ...createTestGuard(keyServer, { introspection, now, ...options }), clock };
}

function issue(answer: Record<string, unknown> = {}): IssuedKey {
  const key = mint();
  const iat = NOW - 100;
  const known = {
    active: true,
    token_type: 'api_key',
    sub: key.id,
    scope: 'orders:read',
    org_id: 'org_1',
    iat,
  };
  server.answers.set(key.key, { ...known, env: 'live', plan: 'professional', iss: ISSUER, ...answer });
  return key;
}

describe('an opaque token', () => {
  test('is what the authorization server says it is', async () => {
    server.answers.set(OPAQUE, TOKEN);
    const principal = await identify(setUp(), `Bearer ${OPAQUE}`);
    expect(principal).toMatchObject({
      kind: 'user',
      accountId: 'user_1',
      clientId: 'client_1',
      organizationId: 'org_1',
      environment: 'test',
      role: 'developer',
      grantId: 'grant_1',
      scopes: new Set(['orders:read', 'orders:write']),
    });
    expect(principal.tokenId).toMatch(/^[\w-]{43}$/);
  });

  test('of a client on its own needs no subject', async () => {
    server.answers.set(OPAQUE, { ...TOKEN, sub: undefined });
    expect(await identify(setUp(), `Bearer ${OPAQUE}`)).toMatchObject({
      kind: 'client',
      clientId: 'client_1',
    });
  });

  test('is asked about by client_secret_basic, form-encoded as RFC 6749 §2.3.1 says', async () => {
    await outcome(setUp(), `Bearer ${OPAQUE}`);
    const [scheme, value = ''] = [...server.authorizations][0]?.split(' ') ?? [];
    expect(scheme).toBe('Basic');
    expect(Buffer.from(value, 'base64').toString()).toBe('rs%3A1+%C3%BC:a%2Bb%2Fc%25');
    expect(server.asked).toEqual([OPAQUE]);
  });

  test('is refused as malformed by a guard that asks nobody', async () => {
    expect(await outcome(createTestGuard(keyServer), `Bearer ${OPAQUE}`)).toBe('token_malformed');
  });

  test('that begins like an API key by chance is taken for what it is', async () => {
    for (const token of ['sk_Zq7opaque', 'sk-Zq7opaque']) {
      server.answers.set(token, TOKEN);
      expect(await outcome(setUp(), `Bearer ${token}`)).toBe('accepted');
    }
    expect(await outcome(setUp(), 'Bearer sk-mistyped')).toBe('api_key_malformed');
    expect(await outcome(setUp(), 'Bearer sk_live_mistyped')).toBe('api_key_malformed');
    expect(server.asked).not.toContain('sk_live_mistyped');
  });

  test.each<[string, Record<string, unknown>]>([
    ['token_inactive', { active: false }],
    ['issuer_wrong', { iss: 'https://other.test' }],
    ['audience_wrong', { aud: 'https://other.test' }],
    ['audience_wrong', { aud: ['https://other.test'] }],
    ['accepted', { aud: ['https://other.test', AUDIENCE] }],
    ['accepted', { aud: undefined, iss: undefined }],
    ['accepted', { token_type: 'bearer', token_use: 'access_token' }],
    ['type_wrong', { token_type: undefined }],
    ['type_wrong', { token_type: 'refresh_token' }],
    ['type_wrong', { token_use: 'refresh_token' }],
    ['type_wrong', { token_type: 'api_key' }],
    ['proof_required', { token_type: 'DPoP' }],
    ['proof_required', { cnf: { jkt: 'x' } }],
    ['token_expired', { exp: NOW }],
    ['token_not_yet_valid', { nbf: NOW + 60 }],
    ['accepted', { nbf: NOW + 5, exp: undefined, iat: undefined }],
    ['introspection_unavailable', { sub: 7 }],
    ['introspection_unavailable', { sub: undefined, client_id: undefined }],
    ['introspection_unavailable', { scope: ['orders:read'] }],
    ['introspection_unavailable', { env: 'production' }],
    ['introspection_unavailable', { exp: 'tomorrow' }],
    ['introspection_unavailable', { iat: 'today' }],
    ['introspection_unavailable', { active: 'yes' }],
    ['introspection_unavailable', { ip_allowlist: 'everywhere' }],
    ['introspection_unavailable', { organization_ip_allowlist: ['10.0.0.0/99'] }],
    ['introspection_unavailable', { rate_limit: 0 }],
  ])('%s: %j', async (expected, change) => {
    server.answers.set(OPAQUE, { ...TOKEN, ...change });
    expect(await outcome(setUp(), `Bearer ${OPAQUE}`)).toBe(expected);
  });

  test('is refused as soon as the revocation list names its grant, though the answer is remembered', async () => {
    server.answers.set(OPAQUE, TOKEN);
    const revoked = new Set<string | undefined>();
    const guard = setUp({ revocations: { isRevoked: ({ grant_id }) => revoked.has(grant_id) } });
    expect(await outcome(guard, `Bearer ${OPAQUE}`)).toBe('accepted');
    revoked.add('grant_1');
    expect(await outcome(guard, `Bearer ${OPAQUE}`)).toBe('token_revoked');
  });
});

describe('a JWT', () => {
  test('is validated here and never sent away, unless the guard is told to ask about every token', async () => {
    const token = await sign(signer);
    expect(await outcome(setUp(), `Bearer ${token}`)).toBe('accepted');
    expect(server.asked).toEqual([]);
    const asking = setUp({ tokens: 'introspection' });
    expect(await outcome(asking, `Bearer ${token}`)).toBe('token_inactive');
    server.answers.set(token, { ...TOKEN, jti: 'token-1' });
    asking.clock.seconds += 10;
    expect(await identify(asking, `Bearer ${token}`)).toMatchObject({ tokenId: 'token-1' });
  });

  test('cannot be asked about without somebody to ask: such a guard is not made', () => {
    expect(() => createTestGuard(keyServer, { tokens: 'introspection' })).toThrow(TypeError);
  });
});

describe('an API key, for a service without our stores', () => {
  test('is what the authorization server says it is', async () => {
    const key = issue();
    expect(await identify(setUp(), key.authorization)).toEqual({
      kind: 'api_key',
      apiKeyId: key.id,
      credentialId: key.id,
      organizationId: 'org_1',
      environment: 'live',
      scopes: new Set(['orders:read']),
    });
  });

  test('is looked up here where there is a look-up, and not asked about', async () => {
    const apiKeys = createLookup();
    expect(await outcome(setUp({ apiKeys }), issue().authorization)).toBe('api_key_unknown');
    expect(server.asked).toEqual([]);
  });

  test.each<[string, Record<string, unknown>]>([
    ['api_key_inactive', { active: false }],
    ['api_key_expired', { exp: NOW }],
    ['issuer_wrong', { iss: 'https://other.test' }],
    ['audience_wrong', { aud: 'https://other.test' }],
    ['introspection_unavailable', { token_type: 'Bearer' }],
    ['introspection_unavailable', { sub: 'key_other' }],
    ['introspection_unavailable', { env: 'test' }],
    ['introspection_unavailable', { org_id: '' }],
    ['introspection_unavailable', { scope: 1 }],
  ])('%s: %j', async (expected, change) => {
    expect(await outcome(setUp(), issue(change).authorization)).toBe(expected);
  });

  test('keeps to the allowlists of key and organisation', async () => {
    const lists = { ip_allowlist: ['192.0.2.0/24'], organization_ip_allowlist: ['192.0.2.0/28'] };
    const { authorization } = issue(lists);
    const guard = setUp();
    expect(await outcomeOf(guard, { authorization, remoteAddress: '192.0.2.1' })).toBe('accepted');
    expect(await outcomeOf(guard, { authorization, remoteAddress: '192.0.2.100' })).toBe(
      'address_not_allowed',
    );
    expect(await outcomeOf(guard, { authorization, remoteAddress: '203.0.113.1' })).toBe(
      'address_not_allowed',
    );
  });

  test.each([
    [{ rate_limit: 5, organization_rate_limit: 70 }, [70, 5]],
    [{ rate_limit: 5 }, [10_000, 5]],
    [{ plan: undefined }, [1_000]],
  ])('is counted by its limits: %j', async (change, requests) => {
    const limiter = createLimiter();
    await outcome(setUp({ limiter }), issue(change).authorization);
    expect(limiter.taken[0]?.map((limit) => limit.requests)).toEqual(requests);
  });

  test('is held to what the organisation’s own look-up says, where there is one', async () => {
    const organizations = createOrganizations();
    organizations.set('org_1', { allowlist: only('198.51.100.0/24') });
    expect(await outcome(setUp({ organizations }), issue().authorization)).toBe('address_not_allowed');
  });
});

describe('an answer', () => {
  test('is believed for ten seconds, without a promise, and then asked for again', async () => {
    const { authorization, key } = issue();
    const guard = setUp();
    const check = guard.protect();
    const { principal } = await check(requestOf({ authorization }));
    guard.clock.seconds += 9.999;
    const again = check(requestOf({ authorization }));
    expect(again).not.toBeInstanceOf(Promise);
    expect((await again).principal).toBe(principal);
    server.answers.delete(key);
    expect(await outcome(guard, authorization)).toBe('accepted');
    guard.clock.seconds += 0.001;
    expect(await outcome(guard, authorization)).toBe('api_key_inactive');
    expect(server.asked).toHaveLength(2);
  });

  test('that is bad is believed as long', async () => {
    const key = mint();
    const guard = setUp({}, { cacheSeconds: 3 });
    for (const seconds of [0, 2.9]) {
      guard.clock.seconds = NOW + seconds;
      expect(await outcome(guard, key.authorization)).toBe('api_key_inactive');
    }
    expect(server.asked).toHaveLength(1);
    guard.clock.seconds = NOW + 3;
    await outcome(guard, key.authorization);
    expect(server.asked).toHaveLength(2);
  });

  test('is never believed past the expiry of what it is about', async () => {
    const { authorization } = issue({ exp: NOW + 4 });
    const guard = setUp();
    expect(await outcome(guard, authorization)).toBe('accepted');
    guard.clock.seconds = NOW + 4;
    expect(await outcome(guard, authorization)).toBe('api_key_expired');
  });

  test('counts from the question, not from its arrival', async () => {
    const { authorization } = issue();
    const guard = setUp();
    let open: (value: unknown) => void = () => {};
    server.gate = new Promise((resolve) => (open = resolve));
    const waiting = outcome(guard, authorization);
    await expect.poll(() => server.asked.length).toBe(1);
    guard.clock.seconds += 6;
    open(undefined);
    expect(await waiting).toBe('accepted');
    guard.clock.seconds += 4;
    await outcome(guard, authorization);
    expect(server.asked).toHaveLength(2);
  });

  test('is asked for once, however many requests wait for it', async () => {
    const { authorization } = issue();
    const guard = setUp();
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => outcome(guard, authorization)));
    expect(new Set(outcomes)).toEqual(new Set(['accepted']));
    expect(server.asked).toHaveLength(1);
  });

  test('is not pushed out by a flood of made-up credentials', async () => {
    const { authorization } = issue();
    const guard = setUp({}, { maxEntries: 10 });
    await outcome(guard, authorization);
    for (let count = 0; count < 50; count += 1) await outcome(guard, `Bearer made-up-${count}`);
    server.asked.length = 0;
    expect(await outcome(guard, authorization)).toBe('accepted');
    expect(server.asked).toEqual([]);
  });
});

describe('while the authorization server is away', () => {
  const status = (code: number) => (response: ServerResponse) => void response.writeHead(code).end();
  const cases: [string, number, (response: ServerResponse) => void][] = [
    ['it is overloaded', 2, status(503)],
    ['it breaks the connection', 2, (response) => void response.destroy()],
    ['it says nothing', 2, () => {}],
    ['it answers no JSON', 2, (response) => void response.end('<html>')],
    ['it does not know us', 1, status(401)],
    ['it limits us', 1, status(429)],
    ['it sends us elsewhere', 2, (response) => void response.writeHead(307, { location: '/x' }).end()],
    ['it says something else', 1, (response) => void response.end('[]')],
    ['it says too much', 1, (response) => void response.end(' '.repeat(70_000))],
  ];

  test.each(cases)('%s: a 503, after %i attempts', async (_, attempts, disturb) => {
    const { authorization } = issue();
    server.disturb = disturb;
    const guard = setUp({}, { timeoutMs: 200 });
    const refusal = await refusalOf(guard, { authorization });
    expect(refusal).toMatchObject({ reason: 'introspection_unavailable', status: 503 });
    expect(refusal.headers['Retry-After']).toBe('2');
    expect(refusal.cause).toBeInstanceOf(Error);
    expect(server.asked).toHaveLength(attempts);
    server.disturb = undefined;
    expect(await outcome(guard, authorization)).toBe('accepted');
  });

  test('a failure by accident is made good by the second attempt', async () => {
    const { authorization } = issue();
    server.disturb = (response) => {
      server.disturb = undefined;
      response.destroy();
    };
    expect(await outcome(setUp(), authorization)).toBe('accepted');
  });

  test('what was answered goes on working in its time', async () => {
    const { authorization } = issue();
    const guard = setUp();
    await outcome(guard, authorization);
    await server.close();
    guard.clock.seconds += 9;
    expect(await outcome(guard, authorization)).toBe('accepted');
    guard.clock.seconds += 1;
    expect(await outcome(guard, authorization)).toBe('introspection_unavailable');
  });
});

test('a real key in a URL is reported by what the authorization server says of it', async () => {
  const key = issue();
  const told: unknown[] = [];
  const guard = setUp({ onExposure: (exposure) => void told.push(exposure) });
  expect(await outcome(guard, '', `k=${key.key}&l=${mint().key}`)).toBe('api_key_in_url');
  expect(await outcome(guard, '', `k=${mint().key}`)).toBe('api_key_in_url');
  await expect.poll(() => server.asked.length).toBe(2);
  await expect.poll(() => told).toHaveLength(1);
  expect(told[0]).toMatchObject({ apiKeyId: key.id, organizationId: 'org_1', where: 'query' });
});

test('a time to remember answers for that is none is refused when the client is made', () => {
  for (const cacheSeconds of [-1, Number.NaN]) expect(() => setUp({}, { cacheSeconds })).toThrow(RangeError);
});
