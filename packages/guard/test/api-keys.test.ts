import { describe, expect, test } from 'vitest';
import type { GuardOptions } from '../src/index.ts';
import {
  createKeyServer,
  createTestGuard,
  identify,
  NOW,
  outcome,
  outcomeOf,
  refusalOf,
  requestOf,
} from './issuer.ts';
import { createLookup, mint, only } from './ports.ts';

function setUp(options: Partial<GuardOptions> = {}) {
  const apiKeys = createLookup();
  const guard = createTestGuard(createKeyServer(), { apiKeys, ...options });
  return { apiKeys, guard };
}

describe('an API key', () => {
  test('that is good names its holder: key, organisation, environment, scopes', async () => {
    const { apiKeys, guard } = setUp();
    const key = apiKeys.issue({ environment: 'test', organizationId: 'org_7' });
    expect(await identify(guard, key.authorization)).toEqual({
      kind: 'api_key',
      apiKeyId: key.id,
      credentialId: key.id,
      organizationId: 'org_7',
      environment: 'test',
      scopes: new Set(['orders:read']),
    });
  });

  test('cannot be given scopes by a handler, nor another organisation', async () => {
    const { apiKeys, guard } = setUp();
    const principal = await identify(guard, apiKeys.issue().authorization);
    expect(() => (principal.scopes as Set<string>).add('orders:write')).toThrow(TypeError);
    expect(() => Object.assign(principal, { organizationId: 'org_2' })).toThrow(TypeError);
  });

  test('is told from a mistyped one without a look-up', async () => {
    const { apiKeys, guard } = setUp();
    const { key } = apiKeys.issue();
    const last = key.at(-1) === 'x' ? 'y' : 'x';
    for (const text of [
      `${key.slice(0, -1)}${last}`,
      key.slice(0, -3),
      'sk-abc123',
      'sk_live_',
      'sk_other',
    ]) {
      expect(await outcome(guard, `Bearer ${text}`)).toBe('api_key_malformed');
    }
    expect(apiKeys.asked).toBe(0);
  });

  test('that is unknown and one with a wrong secret are refused in the same words', async () => {
    const { apiKeys, guard } = setUp();
    const stranger = mint();
    const impostor = mint();
    apiKeys.change(impostor, {});
    const refusals = [];
    for (const { authorization } of [stranger, impostor])
      refusals.push(await refusalOf(guard, { authorization }));
    expect(refusals[0]).toMatchObject({ reason: 'api_key_unknown', status: 401, code: 'invalid_token' });
    expect(refusals[1]?.toBody()).toEqual(refusals[0]?.toBody());
    expect(refusals[1]?.headers).toEqual(refusals[0]?.headers);
  });

  test('with a wrong secret is not told that the key is revoked or expired', async () => {
    const { apiKeys, guard } = setUp();
    for (const changes of [{ revoked: true }, { expiresAt: 1 }]) {
      const impostor = mint();
      apiKeys.change(impostor, changes);
      expect(await outcome(guard, impostor.authorization)).toBe('api_key_unknown');
    }
  });

  test('that says another environment than its record is another key', async () => {
    const { apiKeys, guard } = setUp();
    const key = apiKeys.issue({ environment: 'test' });
    apiKeys.change(key, { environment: 'live' });
    expect(await outcome(guard, key.authorization)).toBe('api_key_unknown');
  });

  test('that is revoked or expired is told so', async () => {
    const { apiKeys, guard } = setUp();
    expect(await outcome(guard, apiKeys.issue({ revoked: true }).authorization)).toBe('api_key_revoked');
    expect(await outcome(guard, apiKeys.issue({ expiresAt: NOW * 1000 }).authorization)).toBe(
      'api_key_expired',
    );
    expect(await outcome(guard, apiKeys.issue({ expiresAt: NOW * 1000 + 1 }).authorization)).toBe('accepted');
  });

  test('is refused where the resource server takes none, until the operator says otherwise', async () => {
    const { apiKeys, guard } = setUp();
    const { authorization } = apiKeys.issue();
    apiKeys.accepting = false;
    expect(await outcome(guard, authorization)).toBe('api_keys_not_accepted');
    apiKeys.accepting = true;
    expect(await outcome(guard, authorization)).toBe('accepted');
    apiKeys.accepting = false;
    expect(await outcome(guard, authorization)).toBe('api_keys_not_accepted');
    expect(await outcome(createTestGuard(createKeyServer()), authorization)).toBe('api_keys_not_accepted');
  });

  test('is accepted with any spelling of the scheme', async () => {
    const { apiKeys, guard } = setUp();
    const { key } = apiKeys.issue();
    for (const scheme of ['bearer ', 'BEARER ', 'Bearer    ']) {
      expect(await outcome(guard, scheme + key)).toBe('accepted');
    }
    expect(apiKeys.verified).toBe(1);
  });
});

describe('an API key that was verified before', () => {
  test('is answered at once with the same principal, and its secret not verified again', async () => {
    const { apiKeys, guard } = setUp();
    const request = requestOf({ authorization: apiKeys.issue().authorization });
    const check = guard.protect();
    const { principal } = await check(request);
    const again = check(request);
    expect(again).not.toBeInstanceOf(Promise);
    expect((await again).principal).toBe(principal);
    expect(apiKeys.verified).toBe(1);
  });

  test('is refused by the next request after it was revoked', async () => {
    const { apiKeys, guard } = setUp();
    const key = apiKeys.issue();
    expect(await outcome(guard, key.authorization)).toBe('accepted');
    apiKeys.change(key, { revoked: true });
    expect(await outcome(guard, key.authorization)).toBe('api_key_revoked');
  });

  test('is refused by the next request after its record is gone', async () => {
    const { apiKeys, guard } = setUp();
    const key = apiKeys.issue();
    await identify(guard, key.authorization);
    apiKeys.records.delete(key.id);
    expect(await outcome(guard, key.authorization)).toBe('api_key_unknown');
  });

  test('expires between two requests', async () => {
    const { apiKeys, guard } = setUp();
    const { authorization } = apiKeys.issue({ expiresAt: (NOW + 60) * 1000 });
    expect(await outcome(guard, authorization)).toBe('accepted');
    guard.clock.seconds = NOW + 60;
    expect(await outcome(guard, authorization)).toBe('api_key_expired');
  });

  test('is verified anew when its record changed, and then holds what the new one says', async () => {
    const { apiKeys, guard } = setUp();
    const key = apiKeys.issue();
    await identify(guard, key.authorization);
    apiKeys.change(key, { scopes: new Set(['orders:write']), allowlist: only('198.51.100.0/24') });
    expect(await outcome(guard, key.authorization)).toBe('address_not_allowed');
    const { authorization } = key;
    const allowed = { authorization, remoteAddress: '198.51.100.7' };
    expect(await outcomeOf(guard, allowed, { scope: 'orders:write' })).toBe('accepted');
    expect(await outcomeOf(guard, allowed, { scope: 'orders:read' })).toBe('scope_insufficient');
    expect(apiKeys.verified).toBe(2);
  });

  test('waits for a look-up that has to ask its store, once for each request', async () => {
    const { apiKeys, guard } = setUp();
    apiKeys.slow = true;
    const key = apiKeys.issue();
    expect(await outcome(guard, key.authorization)).toBe('accepted');
    expect(await outcome(guard, key.authorization)).toBe('accepted');
    expect([apiKeys.asked, apiKeys.verified]).toEqual([2, 1]);
    apiKeys.change(key, { revoked: true });
    expect(await outcome(guard, key.authorization)).toBe('api_key_revoked');
  });

  test('is not mistaken for one that differs in a single character', async () => {
    const { apiKeys, guard } = setUp();
    const key = apiKeys.issue();
    await identify(guard, key.authorization);
    const at = key.authorization.length - 20;
    const other = key.authorization[at] === 'a' ? 'b' : 'a';
    const altered = key.authorization.slice(0, at) + other + key.authorization.slice(at + 1);
    expect(await outcome(guard, altered)).toBe('api_key_malformed');
  });
});

describe('while the store of keys is away', () => {
  test.each([true, false])('the answer is a 503 with the cause for the log (promise: %s)', async (slow) => {
    const { apiKeys, guard } = setUp();
    const { authorization } = apiKeys.issue();
    const failure = new Error('connection refused');
    Object.assign(apiKeys, { slow, failure });
    const refusal = await refusalOf(guard, { authorization });
    expect(refusal).toMatchObject({
      reason: 'credential_unavailable',
      status: 503,
      code: 'temporarily_unavailable',
      cause: failure,
    });
    expect(refusal.headers['Retry-After']).toBe('2');
    expect(JSON.stringify(refusal.toBody())).not.toContain('connection refused');
  });

  test('a look-up that breaks in its other methods is an outage, too', async () => {
    const { apiKeys, guard } = setUp();
    const { authorization } = apiKeys.issue();
    const broken = { ...apiKeys, verify: () => JSON.parse('{') };
    expect(await outcome(createTestGuard(createKeyServer(), { apiKeys: broken }), authorization)).toBe(
      'credential_unavailable',
    );
    expect(await outcome(guard, authorization)).toBe('accepted');
  });
});
