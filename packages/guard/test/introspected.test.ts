import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GuardOptions } from '../src/index.ts';
import {
  createAskingGuard,
  type IntrospectionServer,
  issueKey,
  startIntrospection,
} from './introspection-server.ts';
import {
  AUDIENCE,
  CLAIMS,
  createKey,
  createKeyServer,
  createTestGuard,
  identify,
  NOW,
  outcome,
  outcomeOf,
  sign,
} from './issuer.ts';
import { createLimiter, createLookup, createOrganizations, mint, only } from './ports.ts';

const signer = await createKey('k1');
const OPAQUE = 'opaque-token-of-somebody';
const TOKEN = { ...CLAIMS, active: true, token_type: 'Bearer', jti: undefined };

let server: IntrospectionServer;
beforeEach(async () => {
  server = await startIntrospection();
});
afterEach(() => server.close());

const issue = (answer?: Record<string, unknown>) => issueKey(server, answer);
const setUp = (options?: Partial<GuardOptions>) => createAskingGuard(server, { signer, ...options });

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
    expect(await outcome(createTestGuard(createKeyServer()), `Bearer ${OPAQUE}`)).toBe('token_malformed');
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
    expect(() => createTestGuard(createKeyServer(), { tokens: 'introspection' })).toThrow(TypeError);
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
