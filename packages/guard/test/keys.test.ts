import { describe, expect, test } from 'vitest';
import type { Fetch } from '../src/jwks.ts';
import {
  createKey,
  createKeyServer,
  createTestGuard,
  ISSUER,
  identify,
  outcome,
  requestOf,
  sign,
} from './issuer.ts';

const [first, second, third] = await Promise.all([createKey('k1'), createKey('k2'), createKey('k3')]);
const bearer = async (...args: Parameters<typeof sign>) => `Bearer ${await sign(...args)}`;
const [byFirst, bySecond, byThird] = [await bearer(first), await bearer(second), await bearer(third)];
/** Background fetches need a turn of the event loop to end. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('the keys of the issuer', () => {
  test('are fetched once, however many requests wait for them', async () => {
    const server = createKeyServer(first);
    const guard = createTestGuard(server);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome(guard, byFirst)));
    expect(new Set(outcomes)).toEqual(new Set(['accepted']));
    expect(server.requests).toBe(1);
  });

  test('that are new are found by the first token signed with one', async () => {
    const server = createKeyServer(first);
    const guard = createTestGuard(server);
    await identify(guard, byFirst);
    server.publish(first, second);
    guard.clock.seconds += 10;
    expect(await outcome(guard, bySecond)).toBe('accepted');
    expect(server.requests).toBe(2);
  });

  test('are asked for once per cooldown, whatever flood of unknown kids comes', async () => {
    const server = createKeyServer(first);
    const guard = createTestGuard(server);
    await identify(guard, byFirst);
    const flood = async () => {
      const tokens = await Promise.all(
        Array.from({ length: 30 }, (_, n) => bearer(first, {}, { kid: `made-up-${n}` })),
      );
      return Promise.all(tokens.map((token) => outcome(guard, token)));
    };
    expect(new Set(await flood())).toEqual(new Set(['key_unknown']));
    expect(server.requests).toBe(1);
    guard.clock.seconds += 10;
    await flood();
    await flood();
    expect(server.requests).toBe(2);
  });

  test('are asked for at the first unknown one, however shortly the announced ones were fetched', async () => {
    const server = createKeyServer(first);
    const guard = createTestGuard(server);
    expect(await guard.refreshKeys()).toBe(true);
    server.publish(first, second);
    expect(await outcome(guard, bySecond)).toBe('accepted');
  });

  test('are fetched anew for an announced change, not by the fetch that was under way', async () => {
    const server = createKeyServer(first);
    const guard = createTestGuard(server);
    let answered: (response: Response) => void = () => {};
    server.answer = () => new Promise((resolve) => (answered = resolve));
    const early = outcome(guard, byFirst);
    const refreshed = Promise.all([guard.refreshKeys(), guard.refreshKeys()]);
    server.publish(second);
    answered(Response.json({ keys: [first.jwk] }));
    await early;
    expect(await refreshed).toEqual([true, true]);
    expect(server.requests).toBe(2);
    expect(await outcome(guard, byFirst)).toBe('key_unknown');
  });

  test('are fetched again a second after an announced change, by no more than the next request', async () => {
    const server = createKeyServer(first);
    const guard = createTestGuard(server);
    await guard.refreshKeys();
    expect(await outcome(guard, byFirst)).toBe('accepted');
    server.publish(second);
    guard.clock.seconds += 1;
    expect(await outcome(guard, byFirst)).toBe('accepted');
    await settle();
    expect(await outcome(guard, byFirst)).toBe('key_unknown');
    expect(server.requests).toBe(3);
  });

  test('go on working while the issuer is away, for old tokens and new ones', async () => {
    const server = createKeyServer(first);
    const guard = createTestGuard(server);
    await identify(guard, byFirst);
    server.answer = () => Promise.reject(new Error('connect ECONNREFUSED'));
    guard.clock.seconds += 3000;
    expect(await outcome(guard, byFirst)).toBe('accepted');
    await settle();
    expect(await outcome(guard, await bearer(first, { jti: 'another' }))).toBe('accepted');
    expect(server.requests).toBeGreaterThan(1);
  });

  test('that cannot be fetched make an unknown one a 503, not the end of a good token', async () => {
    const server = createKeyServer(first);
    const failures: unknown[] = [];
    const guard = createTestGuard(server, { onKeysFailure: (error) => failures.push(error) });
    server.answer = () => new Response('no', { status: 502 });
    expect(await outcome(guard, byFirst)).toBe('keys_unavailable');
    expect(await outcome(guard, byFirst)).toBe('keys_unavailable');
    expect(server.requests).toBe(1);
    expect(failures).toEqual([new Error(`${ISSUER}/.well-known/jwks.json answered 502`)]);
    server.publish(first);
    guard.clock.seconds += 1;
    expect(await outcome(guard, byFirst)).toBe('accepted');
  });

  test.each([
    ['answered 421: is this its public URL?', async () => new Response(null, { status: 421 })],
    [
      'cannot be asked: connect ECONNREFUSED',
      () => Promise.reject(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') })),
    ],
  ])('that cannot be fetched are told of in words: %s', async (words, answer) => {
    const server = createKeyServer(first);
    const failures: unknown[] = [];
    const guard = createTestGuard(server, { onKeysFailure: (error) => failures.push(error) });
    server.answer = answer;
    await outcome(guard, byFirst);
    expect(failures.map(String)).toEqual([`Error: ${ISSUER}/.well-known/jwks.json ${words}`]);
  });

  test('are refreshed in the background when they are old: no request waits', async () => {
    const server = createKeyServer(first);
    const guard = createTestGuard(server);
    const check = guard.protect();
    await check(requestOf({ authorization: byFirst }));
    let answered: (response: Response) => void = () => {};
    server.answer = () => new Promise((resolve) => (answered = resolve));
    guard.clock.seconds += 60;
    expect(check(requestOf({ authorization: byFirst }))).not.toBeInstanceOf(Promise);
    expect(check(requestOf({ authorization: byFirst }))).not.toBeInstanceOf(Promise);
    expect(server.requests).toBe(2);
    answered(Response.json({ keys: [first.jwk] }));
    await settle();
    expect(await outcome(guard, byFirst)).toBe('accepted');
    expect(server.requests).toBe(2);
  });

  test('that the issuer withdraws end every token they signed, cached or not', async () => {
    const server = createKeyServer(first, second);
    const guard = createTestGuard(server);
    expect(await outcome(guard, byFirst)).toBe('accepted');
    expect(await outcome(guard, bySecond)).toBe('accepted');
    server.publish(second);
    expect(await guard.refreshKeys()).toBe(true);
    expect(await outcome(guard, byFirst)).toBe('key_unknown');
    expect(await outcome(guard, bySecond)).toBe('accepted');
    server.publish(first, second);
    await guard.refreshKeys();
    expect(await outcome(guard, byFirst)).toBe('accepted');
  });

  test('are told apart by content: another key under the same kid ends the old one', async () => {
    const server = createKeyServer(first);
    const guard = createTestGuard(server);
    await identify(guard, byFirst);
    const impostor = await createKey('k1');
    server.publish(impostor);
    await guard.refreshKeys();
    expect(await outcome(guard, byFirst)).toBe('signature_wrong');
    expect(await outcome(guard, await bearer(impostor))).toBe('accepted');
  });

  test.each<[string, () => Response]>([
    ['no JSON', () => new Response('<html>')],
    ['no key set', () => Response.json({})],
    ['an empty key set', () => Response.json({ keys: [] })],
    ['an error status', () => Response.json({ keys: [third.jwk] }, { status: 500 })],
    ['a redirect', () => Response.redirect('https://evil.test/jwks')],
    ['more than 256 KiB', () => Response.json({ keys: [third.jwk], padding: 'x'.repeat(262_144) })],
  ])('are kept when the answer is %s', async (_, answer) => {
    const server = createKeyServer(first);
    const guard = createTestGuard(server);
    await identify(guard, byFirst);
    server.answer = answer;
    expect(await guard.refreshKeys()).toBe(false);
    expect(await outcome(guard, byFirst)).toBe('accepted');
    expect(await outcome(guard, byThird)).toBe('keys_unavailable');
  });

  test('come from the address below the issuer, without following redirects, with a time limit', async () => {
    const asked: Parameters<Fetch>[] = [];
    const guard = createTestGuard(createKeyServer(first), {
      fetch: async (...args) => {
        asked.push(args);
        return Response.json({ keys: [first.jwk] });
      },
    });
    await guard.refreshKeys();
    expect(asked[0]?.[0]).toBe('https://auth.example.test/.well-known/jwks.json');
    expect(asked[0]?.[1]).toMatchObject({ redirect: 'error', signal: expect.any(AbortSignal) });
    expect(asked[0]?.[1].headers).toMatchObject({ 'cache-control': 'no-cache' });
  });
});
