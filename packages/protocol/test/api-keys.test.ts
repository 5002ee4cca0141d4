import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  API_KEY_PATTERN,
  apiKeyPrefix,
  findApiKeyInUrl,
  formatScope,
  isScopeToken,
  mintApiKey,
  parseApiKey,
  parseScope,
  resemblesApiKey,
} from '../src/index.ts';

const minted = fc
  .constantFrom('live' as const, 'test' as const)
  .map((environment) => mintApiKey(environment));
const character = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 });

describe('an API key', () => {
  test('is read back as it was minted', () => {
    fc.assert(
      fc.property(minted, ({ key, ...parts }) => {
        expect(parseApiKey(key)).toEqual(parts);
        expect(resemblesApiKey(key)).toBe(true);
        for (const text of [`key=${key}&x`, `my_${key}`, `%0A${key}`, `${key}x`]) {
          expect(API_KEY_PATTERN.exec(text)?.[0]).toBe(key);
        }
        expect(API_KEY_PATTERN.test(key.slice(0, -6))).toBe(true);
        expect(API_KEY_PATTERN.test(key.slice(0, -7))).toBe(false);
        expect(key.startsWith(apiKeyPrefix(parts))).toBe(true);
      }),
    );
  });

  test('is found in a URL, however often it was percent-encoded on the way', () => {
    const encode = (text: string) =>
      text.replace(/[^/?=]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
    fc.assert(
      fc.property(minted, ({ key }) => {
        const url = `/oauth/revoke?token=${key}`;
        for (const spelling of [url, encode(url), encode(encode(url)), url.replaceAll('_', '%5F')])
          expect(findApiKeyInUrl(spelling)).toBe(key);
      }),
    );
    expect(findApiKeyInUrl('/oauth/revoke?token=sk_live_%zz%')).toBeUndefined();
  });

  /*
   * A certainty, not a likelihood: one changed character is a burst of at most 8 bits, and CRC-32 differs after any burst
   * of up to 32; base62 of six characters holds every 32-bit number once, so that another sum is other text.
   */
  test('with any one character changed is refused', () => {
    fc.assert(
      fc.property(minted, fc.nat({ max: 77 }), character, ({ key }, at, changed) => {
        fc.pre(key[at] !== changed);
        expect(parseApiKey(key.slice(0, at) + changed + key.slice(at + 1))).toBeUndefined();
      }),
      { numRuns: 5_000 },
    );
  });

  test('with any one character changed to any other of its alphabet is refused, at every place', () => {
    const { key } = mintApiKey('live');
    for (let at = 0; at < key.length; at++)
      for (const other of '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_') {
        const changed = key.slice(0, at) + other + key.slice(at + 1);
        if (changed !== key) expect(parseApiKey(changed)).toBeUndefined();
      }
  });

  // 32 bits: still one burst.
  test('of one environment is none of the other', () => {
    fc.assert(
      fc.property(minted, ({ key }) => {
        const other = key.startsWith('sk_live_') ? 'sk_test_' : 'sk_live_';
        expect(parseApiKey(other + key.slice(8))).toBeUndefined();
      }),
    );
  });

  test('with two neighbours swapped, cut, or with something added is refused', () => {
    fc.assert(
      // The swap of the last character of the secret with the first of the checksum is no burst: found almost surely.
      fc.property(minted, fc.nat({ max: 70 }), character, ({ key }, at, added) => {
        const swapped = key.slice(0, at) + key[at + 1] + key[at] + key.slice(at + 2);
        if (swapped !== key) expect(parseApiKey(swapped)).toBeUndefined();
        expect(parseApiKey(key.slice(0, at))).toBeUndefined();
        expect(parseApiKey(key + added)).toBeUndefined();
        expect(parseApiKey(added + key)).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  test('is found in no other text, and no text is a fault', () => {
    const unit = fc.constantFrom('sk_', 'live', 'test', '_', 'a', '0', 'Z', '\n', 'é', '\u0000');
    const text = fc.oneof(fc.string({ unit }), fc.string({ unit: 'binary' }), fc.string({ size: 'large' }));
    fc.assert(
      fc.property(text, (any) => parseApiKey(any) === undefined),
      { numRuns: 2_000 },
    );
  });
});

describe('scopes', () => {
  const token = fc
    .string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      minLength: 1,
    })
    .filter((text) => !/["\\]/.test(text));

  test('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.uniqueArray(token), (scopes) => {
        expect([...parseScope(formatScope(scopes))]).toEqual(scopes);
      }),
    );
  });

  test('of any text are without repeats, and written again mean the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b:c', ' ', '  ', '\t', '"') }), (text) => {
        const scopes = parseScope(text);
        expect(scopes.has('')).toBe(false);
        expect(parseScope(formatScope(scopes))).toEqual(scopes);
      }),
    );
  });

  test('are tokens exactly where RFC 6749 §3.3 says so', () => {
    fc.assert(fc.property(token, isScopeToken));
    fc.assert(
      fc.property(
        fc.string(),
        fc.constantFrom(' ', '"', '\\', '\u007f', 'é', '\n'),
        fc.string(),
        (a, bad, b) => {
          expect(isScopeToken(a + bad + b)).toBe(false);
        },
      ),
    );
  });
});
