import { describe, expect, test } from 'vitest';
import type { GuardOptions, RoutePolicy } from '../src/index.ts';
import {
  createKey,
  createKeyServer,
  createTestGuard,
  outcomeOf,
  refusalOf,
  requestOf,
  sign,
} from './issuer.ts';
import { createLimiter, createLookup, createOrganizations, only, WINDOW_END } from './ports.ts';

const key = await createKey('k1');
const keyServer = createKeyServer(key);
const bearer = async (claims = {}) => `Bearer ${await sign(key, claims)}`;

function setUp(options: Partial<GuardOptions> = {}) {
  const ports = { apiKeys: createLookup(), organizations: createOrganizations(), limiter: createLimiter() };
  return { ...ports, guard: createTestGuard(keyServer, { ...ports, ...options }) };
}

describe('the organisation of a credential', () => {
  test('that is gone or disabled ends its tokens and its keys', async () => {
    const { apiKeys, organizations, guard } = setUp();
    const { authorization } = apiKeys.issue();
    for (const credential of [authorization, await bearer()]) {
      organizations.set('org_1', {});
      expect(await outcomeOf(guard, { authorization: credential })).toBe('accepted');
      organizations.set('org_1', { disabled: true });
      expect(await outcomeOf(guard, { authorization: credential })).toBe('organization_disabled');
      organizations.policies.clear();
      expect(await outcomeOf(guard, { authorization: credential })).toBe('organization_unknown');
    }
  });

  test('is not asked for where a credential belongs to none', async () => {
    const { organizations, guard } = setUp();
    organizations.failure = new Error('never asked');
    expect(await outcomeOf(guard, { authorization: await bearer({ org_id: undefined }) })).toBe('accepted');
  });

  test('may take time to be found', async () => {
    const { apiKeys, organizations, guard } = setUp();
    organizations.slow = true;
    expect(await outcomeOf(guard, { authorization: apiKeys.issue().authorization })).toBe('accepted');
    organizations.policies.clear();
    expect(await outcomeOf(guard, { authorization: apiKeys.issue().authorization })).toBe(
      'organization_unknown',
    );
  });

  test('that cannot be known now is an outage', async () => {
    const { apiKeys, organizations, guard } = setUp();
    organizations.failure = new Error('connection refused');
    const refusal = await refusalOf(guard, { authorization: apiKeys.issue().authorization });
    expect(refusal).toMatchObject({ reason: 'credential_unavailable', cause: organizations.failure });
  });
});

describe('allowlists', () => {
  const inside = { remoteAddress: '192.0.2.10' };
  const outside = { remoteAddress: '203.0.113.1' };

  test.each<[string, Parameters<ReturnType<typeof createLookup>['issue']>[0], RoutePolicy, object]>([
    ['key', { allowlist: only('192.0.2.0/24') }, {}, {}],
    ['organisation', {}, {}, { allowlist: only('192.0.2.0/24', '2001:db8::/32') }],
    ['route', {}, { allowlist: ['192.0.2.10'] }, {}],
  ])('of the %s let through who is on it, each time anew', async (_, changes, policy, ofOrganization) => {
    const { apiKeys, organizations, guard } = setUp();
    organizations.set('org_1', ofOrganization);
    const { authorization } = apiKeys.issue(changes);
    const attempt = (from: object) => outcomeOf(guard, { authorization, ...from }, policy);
    for (let round = 0; round < 3; round += 1) {
      expect(await attempt(inside)).toBe('accepted');
      expect(await attempt(outside)).toBe('address_not_allowed');
      expect(await attempt({ remoteAddress: undefined })).toBe('address_not_allowed');
      expect(await attempt({ remoteAddress: 'no address' })).toBe('address_not_allowed');
    }
  });

  test('must all have the address', async () => {
    const { apiKeys, organizations, guard } = setUp();
    organizations.set('org_1', { allowlist: only('192.0.2.0/24') });
    const { authorization } = apiKeys.issue({ allowlist: only('192.0.2.0/28', '203.0.113.1') });
    const attempt = (remoteAddress: string) =>
      outcomeOf(guard, { authorization, remoteAddress }, { allowlist: ['192.0.2.0/30', '203.0.113.0/24'] });
    expect(await attempt('192.0.2.3')).toBe('accepted');
    expect(await attempt('192.0.2.4')).toBe('address_not_allowed');
    expect(await attempt('192.0.2.17')).toBe('address_not_allowed');
    expect(await attempt('203.0.113.1')).toBe('address_not_allowed');
  });

  test('that the organisation changes hold from the next request', async () => {
    const { apiKeys, organizations, guard } = setUp();
    const { authorization } = apiKeys.issue();
    organizations.set('org_1', { allowlist: only('192.0.2.0/24') });
    expect(await outcomeOf(guard, { authorization, ...inside })).toBe('accepted');
    organizations.set('org_1', { allowlist: only('198.51.100.0/24') });
    expect(await outcomeOf(guard, { authorization, ...inside })).toBe('address_not_allowed');
  });

  test('hold for tokens of the organisation, too', async () => {
    const { organizations, guard } = setUp();
    organizations.set('org_1', { allowlist: only('192.0.2.0/24') });
    expect(await outcomeOf(guard, { authorization: await bearer(), ...outside })).toBe('address_not_allowed');
  });

  test('of a route that cannot be read are refused when the route is made', () => {
    expect(() => setUp().guard.protect({ allowlist: ['10.0.0.0/33'] })).toThrow(RangeError);
  });
});

describe('limits', () => {
  const claims = { org_id: 'org_9' };
  const taken = async (options: Partial<GuardOptions>, authorization: string, policy?: RoutePolicy) => {
    const limiter = createLimiter();
    await outcomeOf(createTestGuard(keyServer, { limiter, ...options }), { authorization }, policy);
    return limiter.taken[0]?.map(({ name, key: counted, requests }) => [name, counted, requests]);
  };

  test('are the organisation’s, by its look-up, before any plan in a token', async () => {
    const organizations = createOrganizations();
    organizations.set('org_9', { requestsPerMinute: 77 });
    expect(await taken({ organizations }, await bearer(claims))).toEqual([['organization', 'org:org_9', 77]]);
  });

  test.each([
    ['free', 1_000],
    ['professional', 10_000],
    ['enterprise', 100_000],
  ])('are those of the plan in the token without a look-up: %s', async (plan, requests) => {
    expect(await taken({}, await bearer({ ...claims, plan }))).toEqual([
      ['organization', 'org:org_9', requests],
    ]);
  });

  const limited = { name: 'GET /orders', limit: { requests: 5, windowSeconds: 10 } };

  test.each([
    ['org_9', { plan: undefined }],
    ['org_9', { plan: 'gold' }],
    ['user_1', { org_id: undefined }],
    ['', { org_id: undefined, sub: 'client_1' }],
  ])(
    'are a client’s in each organisation, or for each account without one: "%s", %j',
    async (whose, change) => {
      expect(await taken({}, await bearer({ ...claims, ...change }), limited)).toEqual([
        ['credential', `credential:${whose}:client_1`, 1_000],
        ['route', `route:GET /orders:${whose}:client_1`, 5],
      ]);
    },
  );

  test('of key and route stand beside the organisation’s', async () => {
    const apiKeys = createLookup();
    const organizations = createOrganizations();
    const issued = apiKeys.issue({ requestsPerMinute: 60 });
    expect(await taken({ apiKeys, organizations }, issued.authorization, limited)).toEqual([
      ['organization', 'org:org_1', 500],
      ['api_key', `key:${issued.id}`, 60],
      ['route', `route:GET /orders:org_1:${issued.id}`, 5],
    ]);
  });

  test('are worked out once, and again when organisation or key have changed', async () => {
    const { apiKeys, organizations, limiter, guard } = setUp();
    const issued = apiKeys.issue({ requestsPerMinute: 60 });
    const request = requestOf({ authorization: issued.authorization });
    const check = guard.protect({ name: 'r', limit: { requests: 9, windowSeconds: 1 } });
    await check(request);
    await check(request);
    expect(limiter.taken[1]).toBe(limiter.taken[0]);
    organizations.set('org_1', { requestsPerMinute: 400 });
    await check(request);
    apiKeys.change(issued, { requestsPerMinute: 30 });
    await check(request);
    const requests = limiter.taken.map((limits) => limits.map((limit) => limit.requests));
    expect(requests).toEqual([
      [500, 60, 9],
      [500, 60, 9],
      [400, 60, 9],
      [400, 30, 9],
    ]);
  });

  test.each([false, true])(
    'stand on the answer, and end in a 429 that says when (promise: %s)',
    async (slow) => {
      const { apiKeys, limiter, guard } = setUp();
      limiter.slow = slow;
      const { authorization } = apiKeys.issue({ requestsPerMinute: 1 });
      const first = await guard.protect()(requestOf({ authorization }));
      expect(first.headers).toEqual({
        'X-RateLimit-Limit': '1',
        'X-RateLimit-Remaining': '0',
        'X-RateLimit-Reset': String(WINDOW_END),
        'RateLimit-Policy': '"organization";q=500;w=60, "api_key";q=1;w=60',
        RateLimit: '"organization";r=499;t=13, "api_key";r=0;t=13',
        'Strict-Transport-Security': 'max-age=31536000',
      });
      const refusal = await refusalOf(guard, { authorization });
      expect(refusal).toMatchObject({ reason: 'limit_exceeded', status: 429, code: 'too_many_requests' });
      expect(refusal.headers).toEqual({ ...first.headers, 'Retry-After': '13' });
    },
  );

  test('are counted for a request that lacks a scope, and stand on its refusal', async () => {
    const { apiKeys, guard } = setUp();
    const { authorization } = apiKeys.issue();
    const refusal = await refusalOf(guard, { authorization }, { scope: 'orders:write' });
    expect(refusal.headers).toMatchObject({ 'X-RateLimit-Remaining': '499' });
    expect(refusal.headers['WWW-Authenticate']).toContain('insufficient_scope');
  });

  test('that cannot be counted are an outage, whatever the limiter promised', async () => {
    const { apiKeys, limiter, guard } = setUp();
    limiter.failure = new Error('broken');
    expect(await outcomeOf(guard, { authorization: apiKeys.issue().authorization })).toBe(
      'credential_unavailable',
    );
  });

  test.each([
    { limit: { requests: 1, windowSeconds: 1 } },
    { name: 'r', limit: { requests: 0, windowSeconds: 1 } },
    { name: 'r', limit: { requests: 1, windowSeconds: 0.5 } },
  ])('of a route that cannot be kept are refused when the route is made: %j', (policy) => {
    expect(() => setUp().guard.protect(policy)).toThrow();
  });
});

describe('the order of checks: each refusal comes before all that follow', () => {
  test('https, URL, header, kind, credential, organisation, address, limit, scope', async () => {
    const { apiKeys, organizations, guard } = setUp();
    const issued = apiKeys.issue({ revoked: true, requestsPerMinute: 1, allowlist: only('198.51.100.1') });
    organizations.set('org_1', { disabled: true });
    const policy: RoutePolicy = { credentials: ['token'], scope: 'orders:write' };
    const request = {
      encrypted: false,
      query: 'api_key=x',
      authorization: 'Bearer a b',
      remoteAddress: '192.0.2.1',
    };
    const outcomes: string[] = [];
    const attempt = async () => outcomes.push(await outcomeOf(guard, request, policy));
    await attempt();
    request.encrypted = true;
    await attempt();
    request.query = '';
    await attempt();
    request.authorization = issued.authorization;
    await attempt();
    policy.credentials = ['api_key'];
    await attempt();
    apiKeys.change(issued, { revoked: false });
    await attempt();
    organizations.set('org_1', {});
    await attempt();
    request.remoteAddress = '198.51.100.1';
    await attempt();
    await attempt();
    apiKeys.change(issued, { requestsPerMinute: undefined, scopes: new Set(['orders:write']) });
    await attempt();
    expect(outcomes).toEqual([
      'https_required',
      'api_key_in_url',
      'credentials_malformed',
      'credentials_kind_refused',
      'api_key_revoked',
      'organization_disabled',
      'address_not_allowed',
      'scope_insufficient',
      'limit_exceeded',
      'accepted',
    ]);
  });

  test('a kind that the route does not take is refused before it is verified, known or not', async () => {
    const { apiKeys, guard } = setUp();
    const issued = apiKeys.issue();
    const token = await bearer();
    for (let round = 0; round < 2; round += 1) {
      for (const [authorization, other] of [
        [issued.authorization, 'token'],
        [token, 'api_key'],
      ] as const) {
        expect(await outcomeOf(guard, { authorization }, { credentials: [other] })).toBe(
          'credentials_kind_refused',
        );
        expect(await outcomeOf(guard, { authorization }, { credentials: ['token', 'api_key'] })).toBe(
          'accepted',
        );
      }
    }
  });
});
