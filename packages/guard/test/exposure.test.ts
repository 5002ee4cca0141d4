import { describe, expect, test } from 'vitest';
import type { KeyExposure } from '../src/index.ts';
import { createKeyServer, createTestGuard, outcomeOf, refusalOf } from './issuer.ts';
import { createLookup, mint } from './ports.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));

function setUp() {
  const apiKeys = createLookup();
  const exposures: KeyExposure[] = [];
  const trustedProxies = ['10.0.0.1'];
  const onExposure = (exposure: KeyExposure) => void exposures.push(exposure);
  const guard = createTestGuard(createKeyServer(), { apiKeys, onExposure, trustedProxies });
  return { apiKeys, exposures, guard, issued: apiKeys.issue() };
}

const encode = (text: string) => [...text].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('');
const mistyped = (key: string) => key.slice(0, -1) + (key.endsWith('x') ? 'y' : 'x');

describe('an API key in the URL is refused, with a good one in the header too', () => {
  const { guard, issued } = setUp();
  const { key, authorization } = issued;
  test.each<[string, { path?: string; query?: string }]>([
    ['as a parameter of any name', { query: `a=b&whatever=${key}` }],
    ['as a name', { query: key }],
    ['in the path', { path: `/orders/${key}/items` }],
    ['at the end of the path', { path: `/${key}` }],
    ['percent-encoded', { query: `a=${encode(key)}` }],
    ['percent-encoded in part, in the path', { path: `/${encode('sk_')}${key.slice(3)}` }],
    ['encoded twice', { query: `a=${encode(encode(key))}` }],
    ['within another URL', { query: `next=${encodeURIComponent(`https://x.test/?k=${key}`)}` }],
    ['glued to another word', { query: `a=my_${key}` }],
    ['after a line break', { query: `a=%0A${key}` }],
    ['after a letter that is no ASCII', { path: `/%C3%A9${key}` }],
    ['before another word', { path: `/${key}abc` }],
    ['without its checksum, which can be worked out', { query: `a=${key.slice(0, -6)}` }],
    ['mistyped', { query: `a=${mistyped(key)}` }],
    ['beside malformed encoding', { query: `%zz=%&a=%E0%A4%A&b=${encode(key)}` }],
    ['named api_key, whatever it is', { query: 'api_key=secret' }],
    ['named apiKey', { query: 'x=1&apiKey=secret' }],
    ['named api-key', { query: 'api-key=' }],
    ['named X-API-Key', { query: 'X-API-Key=1' }],
    ['under an encoded name', { query: 'api%5Fkey=1' }],
  ])('%s', async (_, parts) => {
    const refusal = await refusalOf(guard, { authorization, ...parts });
    expect(refusal).toMatchObject({ reason: 'api_key_in_url', status: 400, code: 'invalid_request' });
    expect(refusal.description).toMatch(/rotate/);
    expect(JSON.stringify([refusal.toBody(), refusal.headers, refusal.message])).not.toContain(
      key.slice(0, 12),
    );
  });

  test.each<[string, { path?: string; query?: string }]>([
    ['an ordinary query', { query: 'cursor=abc%3D%3D&limit=10&q=a%20b+c' }],
    ['malformed encoding', { path: '/%E0%A4%A/%', query: '%' }],
    ['a parameter that only sounds alike', { query: 'my_api_key_name=x&api_keys=1&key=priority&q=api_key' }],
    ['the beginning of a key', { path: `/api-keys/${key.slice(0, 16)}` }],
    ['a path about API keys', { path: '/api/v2/api-keys/key_abc' }],
  ])('but not %s', async (_, parts) => {
    expect(await outcomeOf(guard, { authorization, ...parts })).toBe('accepted');
  });
});

test('an access token in the URL is refused under an encoded name, too', async () => {
  const { guard } = setUp();
  expect(await outcomeOf(guard, { query: 'access%5Ftoken=x' })).toBe('token_in_url');
});

describe('of an exposed key', () => {
  test('that is real the service is told once, with the address of the client', async () => {
    const { guard, exposures, issued } = setUp();
    await outcomeOf(guard, {
      query: `k=${issued.key}`,
      remoteAddress: '203.0.113.9',
      requestId: 'request-1',
    });
    const forwarded = { remoteAddress: '10.0.0.1', forwardedFor: '203.0.113.8', forwardedProto: 'https' };
    await outcomeOf(guard, { path: `/${issued.key}`, ...forwarded });
    await settle();
    const told = { apiKeyId: issued.id, organizationId: 'org_1' };
    expect(exposures).toEqual([
      { ...told, where: 'query', address: '203.0.113.9', requestId: 'request-1' },
      { ...told, where: 'path', address: '203.0.113.8' },
    ]);
  });

  test('that is not, nobody is told: unknown, mistyped, or with a wrong secret', async () => {
    const { guard, exposures, apiKeys, issued } = setUp();
    const impostor = mint();
    apiKeys.change(impostor, {});
    for (const key of [mint().key, mistyped(issued.key), impostor.key]) {
      expect(await outcomeOf(guard, { query: `k=${key}` })).toBe('api_key_in_url');
    }
    expect(await outcomeOf(guard, { query: 'api_key=x' })).toBe('api_key_in_url');
    await settle();
    expect(exposures).toEqual([]);
  });

  test('the refusal does not wait for the look-up, and a failure of it harms nobody', async () => {
    const { guard, exposures, apiKeys, issued } = setUp();
    for (const slow of [true, false]) {
      Object.assign(apiKeys, { slow, failure: new Error('connection refused') });
      expect(await outcomeOf(guard, { query: `k=${issued.key}` })).toBe('api_key_in_url');
      await settle();
    }
    expect(exposures).toEqual([]);
  });

  test('a report that throws harms nobody', async () => {
    const apiKeys = createLookup();
    const onExposure = () => {
      throw new Error('the log is full');
    };
    const guard = createTestGuard(createKeyServer(), { apiKeys, onExposure });
    expect(await outcomeOf(guard, { query: `k=${apiKeys.issue().key}` })).toBe('api_key_in_url');
    await settle();
  });
});
