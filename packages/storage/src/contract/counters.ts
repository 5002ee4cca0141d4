import { randomBase62 } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import type { SharedFixture } from './shared.ts';

const CALLERS = 50;

export function testCounters(fixture: () => SharedFixture): void {
  const newKey = () => `test:${randomBase62(20)}`;

  describe('replays', () => {
    test('a key is claimed once within its time', async () => {
      const { storage, peer, elapse } = fixture();
      const key = newKey();
      expect(await storage.replays.claim(key, 60)).toBe(true);
      expect(await peer.replays.claim(key, 60)).toBe(false);
      expect(await storage.replays.claim(newKey(), 60)).toBe(true);
      await elapse(50);
      expect(await storage.replays.claim(key, 60)).toBe(false);
      await elapse(10);
      expect(await storage.replays.claim(key, 60)).toBe(true);
    });

    test('of 50 parallel claims one succeeds', async () => {
      const { storage, peer } = fixture();
      const key = newKey();
      const claims = await Promise.all(
        Array.from({ length: CALLERS }, (_, index) => (index % 2 ? storage : peer).replays.claim(key, 60)),
      );
      expect(claims.filter(Boolean)).toHaveLength(1);
    });
  });

  describe('counters', () => {
    test('one starts at zero, counts, and is forgotten a window after its first increment', async () => {
      const { storage, peer, elapse } = fixture();
      const key = newKey();
      expect(await storage.counters.peek(key)).toEqual({ count: 0, resetSeconds: 0 });
      expect(await storage.counters.increment(key, 60)).toEqual({ count: 1, resetSeconds: 60 });
      await elapse(30);
      const second = await peer.counters.increment(key, 60);
      expect(second.count).toBe(2);
      expect(second.resetSeconds).toBeLessThanOrEqual(30);
      expect((await storage.counters.peek(key)).count).toBe(2);
      await elapse(30);
      expect(await storage.counters.peek(key)).toEqual({ count: 0, resetSeconds: 0 });
      expect((await storage.counters.increment(key, 60)).count).toBe(1);
    });

    test('a reset makes it zero', async () => {
      const { storage } = fixture();
      const key = newKey();
      await storage.counters.increment(key, 60);
      await storage.counters.reset(key);
      expect((await storage.counters.peek(key)).count).toBe(0);
      expect((await storage.counters.increment(key, 60)).count).toBe(1);
    });

    test('50 parallel increments are 50, each with a count of its own', async () => {
      const { storage, peer } = fixture();
      const key = newKey();
      const answers = await Promise.all(
        Array.from({ length: CALLERS }, (_, index) =>
          (index % 2 ? storage : peer).counters.increment(key, 60),
        ),
      );
      const counts = answers.map(({ count }) => count).toSorted((a, b) => a - b);
      expect(counts).toEqual(Array.from({ length: CALLERS }, (_, index) => index + 1));
    });
  });
}
