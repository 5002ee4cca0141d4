import { describe, expect, test } from 'vitest';
import type { GuardOptions } from '../src/index.ts';
import { createKeyServer, createTestGuard, outcomeOf, refusalOf, requestOf } from './issuer.ts';
import { createLookup, only } from './ports.ts';

const apiKeys = createLookup();
const confined = apiKeys.issue({ allowlist: only('198.51.100.0/24', '2001:db8::/64') }).authorization;
const anywhere = apiKeys.issue().authorization;
const guardWith = (options: Partial<GuardOptions> = {}) =>
  createTestGuard(createKeyServer(), { apiKeys, trustedProxies: ['10.0.0.0/8', '::1'], ...options });

describe('https', () => {
  const guard = guardWith();
  const attempt = (parts: object) => outcomeOf(guard, { authorization: anywhere, ...parts });
  const proxy = { remoteAddress: '10.0.0.1', encrypted: false };

  test('is demanded of strangers, whatever they say of themselves', async () => {
    expect(await attempt({ encrypted: true })).toBe('accepted');
    expect(await attempt({ encrypted: false })).toBe('https_required');
    expect(await attempt({ encrypted: false, forwardedProto: 'https' })).toBe('https_required');
    expect(await attempt({ encrypted: true, forwardedProto: 'http' })).toBe('accepted');
  });

  test('is what a trusted proxy says it was, either way', async () => {
    expect(await attempt({ ...proxy, forwardedProto: 'https' })).toBe('accepted');
    expect(await attempt({ ...proxy, forwardedProto: 'HTTPS' })).toBe('accepted');
    expect(await attempt({ ...proxy, remoteAddress: '::ffff:10.0.0.1', forwardedProto: 'https' })).toBe(
      'accepted',
    );
    expect(await attempt({ ...proxy, forwardedProto: 'http' })).toBe('https_required');
    expect(await attempt({ ...proxy, encrypted: true, forwardedProto: 'http' })).toBe('https_required');
    expect(await attempt(proxy)).toBe('https_required');
  });

  test('is not what the client wrote in front of the proxy’s own word', async () => {
    expect(await attempt({ ...proxy, forwardedProto: 'https, http' })).toBe('https_required');
    expect(await attempt({ ...proxy, forwardedProto: 'https,' })).toBe('https_required');
  });

  test('without it the answer is a 403, not a redirect, and bears no HSTS', async () => {
    const refusal = await refusalOf(guard, { encrypted: false, authorization: anywhere });
    expect(refusal).toMatchObject({ status: 403, code: 'https_required' });
    expect(refusal.headers).toEqual({ 'WWW-Authenticate': expect.not.stringContaining('error') });
  });

  test('RFC 6797: with it every answer bears HSTS, refusals too', async () => {
    const { headers } = await guard.protect()(requestOf({ authorization: anywhere }));
    expect(headers).toEqual({ 'Strict-Transport-Security': 'max-age=31536000' });
    expect((await refusalOf(guard, {})).headers).toMatchObject(headers);
  });

  test('is not demanded of a resource server whose identifier is http, unless it says so', async () => {
    const audience = 'http://localhost:3001';
    const http = { authorization: anywhere, encrypted: false };
    expect(await outcomeOf(guardWith({ audience }), http)).toBe('accepted');
    expect(await outcomeOf(guardWith({ audience, requireHttps: true }), http)).toBe('https_required');
    expect(await outcomeOf(guardWith({ requireHttps: false }), http)).toBe('accepted');
    const { headers } = await guardWith({ requireHttps: false }).protect()(
      requestOf({ authorization: anywhere }),
    );
    expect(headers).toEqual({});
  });

  test('is demanded by inspect, which needs no credentials', () => {
    guard.inspect(requestOf());
    expect(() => guard.inspect(requestOf({ encrypted: false }))).toThrow(/https/);
    expect(() => guard.inspect(requestOf({ query: 'access_token=x' }))).toThrow(/never in the URL/);
  });
});

describe('the address that allowlists are held against', () => {
  const guard = guardWith();
  const attempt = (remoteAddress: string, forwardedFor?: string) =>
    outcomeOf(guard, { authorization: confined, remoteAddress, forwardedFor });

  test('is the peer, whatever a stranger writes into X-Forwarded-For', async () => {
    expect(await attempt('198.51.100.7')).toBe('accepted');
    expect(await attempt('203.0.113.5', '198.51.100.7')).toBe('address_not_allowed');
    expect(await attempt('198.51.100.7', '203.0.113.5')).toBe('accepted');
  });

  test('is what trusted proxies saw, not what the client wrote to the left of it', async () => {
    expect(await attempt('10.0.0.1', '198.51.100.7')).toBe('accepted');
    expect(await attempt('10.0.0.1', '203.0.113.5, 198.51.100.7')).toBe('accepted');
    expect(await attempt('10.0.0.1', '198.51.100.7, 203.0.113.5')).toBe('address_not_allowed');
    expect(await attempt('10.0.0.1', '198.51.100.7, 203.0.113.5, 10.0.0.2')).toBe('address_not_allowed');
    expect(await attempt('10.0.0.1', '203.0.113.5, 198.51.100.7, 10.0.0.2')).toBe('accepted');
    expect(await attempt('::1', '2001:db8::9')).toBe('accepted');
    expect(await attempt('10.0.0.1', '2001:db8:1::9')).toBe('address_not_allowed');
  });

  test('is not found to the left of something that is no address', async () => {
    expect(await attempt('10.0.0.1', '198.51.100.7, unknown')).toBe('address_not_allowed');
    expect(await attempt('10.0.0.1', '198.51.100.7, 203.0.113.5:4711')).toBe('address_not_allowed');
    expect(await attempt('10.0.0.1', '203.0.113.5, 198.51.100.7:4711')).toBe('accepted');
  });

  test('of a proxy nobody trusts is the client’s', async () => {
    const trusting = guardWith({ trustedProxies: [] });
    const parts = { authorization: confined, remoteAddress: '10.0.0.1', forwardedFor: '198.51.100.7' };
    expect(await outcomeOf(trusting, parts)).toBe('address_not_allowed');
  });

  test('proxies that are no addresses are refused when the guard is made', () => {
    expect(() => guardWith({ trustedProxies: ['proxy.internal'] })).toThrow(RangeError);
  });
});
