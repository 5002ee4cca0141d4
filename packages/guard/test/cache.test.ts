import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_BOUNDS, ENTRY_BYTES } from '../src/api-key-verifier.ts';
import { createCache } from '../src/cache.ts';
import { mint } from './ports.ts';

describe('the cache of verified credentials', () => {
  const entry = { verified: true };

  test('never holds more entries than it may, whatever is put and read', () => {
    const step = fc.tuple(fc.boolean(), fc.nat(40), fc.nat(3000));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const cache = createCache<typeof entry>({ maxEntries: 10, maxBytes: 40_000 }, 2_000);
        for (const [isPut, name, length] of steps) {
          const credentials = `${name}`.padEnd(length, '.');
          if (isPut) cache.set(credentials, entry);
          else cache.get(credentials);
          expect(cache.size).toBeLessThanOrEqual(10);
        }
      }),
    );
  });

  test('never holds more bytes than it may', () => {
    const cache = createCache<typeof entry>({ maxEntries: 1000, maxBytes: 40_000 }, 2_000);
    for (let count = 0; count < 100; count += 1) {
      cache.set(`${count}`.padEnd(3000, '.'), entry);
      expect(cache.size * 3000).toBeLessThanOrEqual(40_000);
    }
    expect(cache.size).toBeGreaterThan(2);
  });

  test('keeps what is used and forgets what is not', () => {
    const cache = createCache<typeof entry>({ maxEntries: 10, maxBytes: 1_000_000 }, 2_000);
    cache.set('used', entry);
    for (let count = 0; count < 100; count += 1) {
      cache.set(`once-${count}`, entry);
      expect(cache.get('used')).toBe(entry);
    }
    expect(cache.get('once-0')).toBeUndefined();
  });

  test('takes nothing larger than half of all it may hold', () => {
    const cache = createCache<typeof entry>({ maxEntries: 10, maxBytes: 8000 }, 2_000);
    cache.set('x'.repeat(4000), entry);
    expect(cache.size).toBe(0);
  });

  test('forgets nothing that is used while what is used fits into half of it', () => {
    const cache = createCache<typeof entry>({ maxEntries: 200, maxBytes: 1_000_000 }, 2_000);
    const names = Array.from({ length: 100 }, (_, n) => `key-${n}`);
    for (const name of names) cache.set(name, entry);
    for (let round = 0; round < 100; round += 1) {
      cache.set(`stranger-${round}`, entry);
      expect(names.filter((name) => cache.get(name) === undefined)).toEqual([]);
    }
  });

  test('forgets none of 200,000 API keys that are in use by its default bounds', () => {
    const cache = createCache<typeof entry>(DEFAULT_BOUNDS, ENTRY_BYTES);
    const { length } = mint().authorization;
    const names = Array.from({ length: 200_000 }, (_, n) => `${n}`.padEnd(length, '.'));
    for (const name of names) cache.set(name, entry);
    for (const name of names) cache.get(name);
    expect(names.filter((name) => cache.get(name) === undefined)).toHaveLength(0);
  });
});
