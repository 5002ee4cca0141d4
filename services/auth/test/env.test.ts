import { EnvError, readEnv } from '@latchkey/service';
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../src/config.ts';
import { authEnv, checkAuthEnv, toAuthConfig } from '../src/env.ts';

const KEY = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const complete = {
  NODE_ENV: 'production',
  ISSUER: 'https://auth.example.com',
  DATABASE_URL: 'postgres://db/latchkey',
  REDIS_URL: 'redis://redis',
  PEPPER: KEY,
  ENCRYPTION_KEY: [...KEY].toReversed().join(''),
  COOKIE_KEYS: 'a-cookie-key-of-32-characters-00,a-cookie-key-of-32-characters-01',
};
const faultsOf = (changes: Record<string, string | undefined>): string[] => {
  try {
    readEnv(authEnv, { ...complete, ...changes }, checkAuthEnv);
    return [];
  } catch (error) {
    if (error instanceof EnvError) return error.faults;
    throw error;
  }
};

test('a complete production environment makes a configuration', () => {
  const config = toAuthConfig(readEnv(authEnv, complete, checkAuthEnv));
  expect(config).toMatchObject({ issuer: 'https://auth.example.com', ttl: { authorizationCode: 60 } });
  expect(config.cookieKeys).toHaveLength(2);
  expect(config.limits).toEqual(DEFAULT_LIMITS);
  expect(config.leakReportKeysUrl).toBe('https://api.github.com/meta/public_keys/secret_scanning');
});

test('every missing secret is named at once', () => {
  const faults = faultsOf({ PEPPER: undefined, ENCRYPTION_KEY: undefined, DATABASE_URL: undefined });
  expect(faults.map((fault) => fault.split(':')[0])).toEqual(['DATABASE_URL', 'PEPPER', 'ENCRYPTION_KEY']);
});

test('missing secrets hide no other fault', () => {
  const secrets = { PEPPER: undefined, ENCRYPTION_KEY: undefined, COOKIE_KEYS: undefined };
  const faults = faultsOf({ ...secrets, ISSUER: 'http://auth.example.com', REFRESH_TOKEN_MAX_SECONDS: '60' });
  expect(faults.map((fault) => fault.split(':')[0])).toEqual([
    'PEPPER',
    'ENCRYPTION_KEY',
    'COOKIE_KEYS',
    'ISSUER',
    'REFRESH_TOKEN_MAX_SECONDS',
  ]);
});

test.each([
  ['ISSUER', 'http://auth.example.com'],
  ['ISSUER', 'https://example.com/auth'],
  ['COOKIE_KEYS', ''],
  ['COOKIE_KEYS', 'short'],
  ['PEPPER', complete.ENCRYPTION_KEY],
  ['PEPPER', '0'.repeat(64)],
  ['REFRESH_TOKEN_MAX_SECONDS', '60'],
  ['TRUSTED_PROXIES', 'not-an-address'],
  ['REDIS_URL', 'redis://redis/zero'],
  ['REDIS_URL', 'redis://a,b'],
  ['TOKEN_REQUESTS_PER_MINUTE', '0'],
  ['TOKEN_ADDRESS_REQUESTS_PER_MINUTE', 'many'],
  ['SIGN_IN_ADDRESS_REQUESTS_PER_MINUTE', '1.5'],
  ['INTROSPECTION_REQUESTS_PER_MINUTE', '130000'],
  ['LEAK_REPORT_KEYS_URL', 'http://keys.example.com/'],
  ['LEAK_REPORT_KEYS_URL', 'no'],
])('%s=%s is refused in production', (name, value) => {
  expect(faultsOf({ [name]: value }).join()).toContain(name);
});

test('plain http is fine outside production', () => {
  expect(faultsOf({ NODE_ENV: undefined, ISSUER: 'http://127.0.0.1:3000' })).toEqual([]);
});

test('every variable is described', () => {
  for (const [name, { description }] of Object.entries(authEnv)) expect(description, name).not.toBe('');
});

test('reports of leaked keys can be turned off', () => {
  const env = readEnv(authEnv, { ...complete, LEAK_REPORT_KEYS_URL: 'off' }, checkAuthEnv);
  expect(toAuthConfig(env).leakReportKeysUrl).toBeUndefined();
});
