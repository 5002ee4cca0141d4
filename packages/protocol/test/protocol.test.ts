import { describe, expect, test } from 'vitest';
import {
  DATA_SCOPES,
  deriveCodeChallenge,
  isId,
  isScopeToken,
  MANAGEMENT_SCOPES,
  newCodeVerifier,
  newId,
  OIDC_SCOPES,
  parseScope,
  protectedResourceMetadataUrl,
  ROLES,
  randomBase62,
  roleAllows,
} from '../src/index.ts';

describe('ids', () => {
  test('a new id has its prefix and 20 base62 characters, and is of no other kind', () => {
    const id = newId('client');
    expect(id).toMatch(/^client_[0-9A-Za-z]{20}$/);
    expect(isId('client', id)).toBe(true);
    expect(isId('account', id)).toBe(false);
  });

  test('every base62 character occurs about equally often', () => {
    const counts = new Map<string, number>();
    for (const char of randomBase62(62_000)) counts.set(char, (counts.get(char) ?? 0) + 1);
    expect(counts.size).toBe(62);
    // 1000 expected, standard deviation 31: eight of those either way.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(250);
  });

  test.each(['client_', 'client_a b', 'client_<x>', `client_${'a'.repeat(65)}`, 'org_abc'])(
    '%s is no client id',
    (value) => {
      expect(isId('client', value)).toBe(false);
    },
  );
});

describe('PKCE', () => {
  test('RFC 7636 appendix B: the published verifier gives the published challenge', () => {
    expect(deriveCodeChallenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    );
  });

  test('RFC 7636 §4.1: a new verifier has 43 unreserved characters', () => {
    expect(newCodeVerifier()).toMatch(/^[A-Za-z0-9._~-]{43}$/);
  });
});

describe('scopes', () => {
  test.each(['a b', 'a"b', 'a\\b', 'é', '', '\u0000'])('RFC 6749 §3.3: %j is no scope token', (value) => {
    expect(isScopeToken(value)).toBe(false);
  });

  test('parsing drops repeats and empty parts', () => {
    expect([...parseScope(' a  b a ')]).toEqual(['a', 'b']);
    expect([...parseScope(undefined)]).toEqual([]);
  });

  test('the three families are disjoint', () => {
    const all = [OIDC_SCOPES, DATA_SCOPES, MANAGEMENT_SCOPES].flatMap((family) => Object.keys(family));
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('roles', () => {
  test('every role may identify itself', () => {
    for (const role of ROLES)
      for (const scope of Object.keys(OIDC_SCOPES)) expect(roleAllows(role, scope)).toBe(true);
  });

  test.each([
    ['viewer', 'work-orders:read', true],
    ['viewer', 'work-orders:write', false],
    ['viewer', 'api-keys:read', false],
    ['viewer', 'usage:read', true],
    ['viewer', 'other:read', true],
    ['viewer', 'other:write', false],
    ['viewer', 'admin', false],
    ['developer', 'inventory:write', true],
    ['developer', 'api-keys:write', true],
    ['developer', 'organization:write', false],
    ['developer', 'audit:read', false],
    ['admin', 'organization:write', true],
    ['owner', 'organization:write', true],
  ] as const)('a %s asking for %s gets %s', (role, scope, allowed) => {
    expect(roleAllows(role, scope)).toBe(allowed);
  });
});

describe('protected resource metadata', () => {
  test.each([
    ['https://api.example.com', 'https://api.example.com/.well-known/oauth-protected-resource'],
    ['https://api.example.com/', 'https://api.example.com/.well-known/oauth-protected-resource'],
    ['https://example.com/v2', 'https://example.com/.well-known/oauth-protected-resource/v2'],
  ])('RFC 9728 §3.1: %s has its metadata at %s', (resource, url) => {
    expect(protectedResourceMetadataUrl(resource)).toBe(url);
  });
});
