import { randomBase62 } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import type { SharedFixture } from './shared.ts';

/** So long that no test sees the end of its window. */
const LONG_SECONDS = 10_000_000;
const SHORT_SECONDS = 2;
const CALLERS = 60;

export function testPermits(fixture: () => SharedFixture): void {
  const newKey = () => `org:${randomBase62(20)}`;
  const long = { limit: 100, windowSeconds: LONG_SECONDS, want: 10 };

  describe('permits', () => {
    test('what is wanted is granted until the limit is used up, to all processes together', async () => {
      const { storage, peer } = fixture();
      const key = newKey();
      expect(await storage.permits.lease(key, { ...long, want: 60 })).toMatchObject({
        granted: 60,
        used: 60,
      });
      expect(await peer.permits.lease(key, { ...long, want: 60 })).toMatchObject({ granted: 40, used: 100 });
      expect(await storage.permits.lease(key, { ...long, want: 1 })).toMatchObject({ granted: 0, used: 100 });
    });

    test(`${CALLERS} parallel leases of two processes get the limit, and not one more`, async () => {
      const { storage, peer } = fixture();
      const key = newKey();
      const leases = await Promise.all(
        Array.from({ length: CALLERS }, (_, index) =>
          (index % 2 ? storage : peer).permits.lease(key, { ...long, want: 1 + (index % 7) }),
        ),
      );
      expect(leases.reduce((sum, { granted }) => sum + granted, 0)).toBe(long.limit);
      expect(Math.max(...leases.map(({ used }) => used))).toBe(long.limit);
      for (const [index, { granted }] of leases.entries()) {
        expect(granted).toBeGreaterThanOrEqual(0);
        expect(granted).toBeLessThanOrEqual(1 + (index % 7));
      }
    });

    test('callers that know different limits each get no further than their own', async () => {
      const { storage, peer } = fixture();
      const key = newKey();
      await storage.permits.lease(key, { ...long, want: 50 });
      expect(await peer.permits.lease(key, { ...long, limit: 20 })).toMatchObject({ granted: 0, used: 50 });
      expect(await storage.permits.lease(key, long)).toMatchObject({ granted: 10, used: 60 });
      expect(await peer.permits.lease(key, { ...long, limit: 65 })).toMatchObject({ granted: 5, used: 65 });
    });

    test('other keys, and other windows of the same key, are counted apart', async () => {
      const { storage } = fixture();
      const key = newKey();
      await storage.permits.lease(key, { ...long, want: 100 });
      expect(await storage.permits.lease(newKey(), long)).toMatchObject({ granted: 10, used: 10 });
      const other = { ...long, windowSeconds: LONG_SECONDS + 1 };
      expect(await storage.permits.lease(key, other)).toMatchObject({ granted: 10, used: 10 });
    });

    test('a store that lost its data counts on from what a caller saw, and not from a window that is over', async () => {
      const { storage, peer } = fixture();
      const { windowEndsAt } = await storage.permits.lease(newKey(), long);
      const lost = newKey();
      const seen = { windowEndsAt, used: 95 };
      expect(await storage.permits.lease(lost, { ...long, seen })).toMatchObject({ granted: 5, used: 100 });
      expect(await peer.permits.lease(lost, long)).toMatchObject({ granted: 0, used: 100 });
      const over = { windowEndsAt: windowEndsAt - LONG_SECONDS, used: 95 };
      expect(await storage.permits.lease(newKey(), { ...long, seen: over })).toMatchObject({ used: 10 });
      const behind = { windowEndsAt, used: 3 };
      expect(await storage.permits.lease(lost, { ...long, seen: behind })).toMatchObject({ used: 100 });
    });
  });
  testWindows(fixture, newKey);
}

function testWindows(fixture: () => SharedFixture, newKey: () => string): void {
  const short = { limit: 10, windowSeconds: SHORT_SECONDS, want: 10 };

  describe('windows of permits', () => {
    test('end at whole multiples of their length, for everybody at the same instant', async () => {
      const { storage, peer } = fixture();
      const asked = { limit: 10, windowSeconds: LONG_SECONDS, want: 1 };
      const [one, other] = [
        await storage.permits.lease(newKey(), asked),
        await peer.permits.lease(newKey(), asked),
      ];
      expect(one.windowEndsAt % LONG_SECONDS).toBe(0);
      expect(other.windowEndsAt).toBe(one.windowEndsAt);
      expect(other.windowEndsInMs).toBeLessThanOrEqual(one.windowEndsInMs);
      expect(one.windowEndsInMs - other.windowEndsInMs).toBeLessThan(5_000);
    });

    test('are followed by one with all its permits, and what is left of the old one is lost', async () => {
      const { storage, peer, pass } = fixture();
      const key = newKey();
      const probe = await storage.permits.lease(newKey(), short);
      await pass(probe.windowEndsInMs);
      const first = await storage.permits.lease(key, { ...short, want: 4 });
      expect(first).toMatchObject({ granted: 4, used: 4 });
      expect(first.windowEndsInMs).toBeGreaterThan(0);
      expect(first.windowEndsInMs).toBeLessThanOrEqual(SHORT_SECONDS * 1000);
      await pass(first.windowEndsInMs);
      const second = await peer.permits.lease(key, { ...short, want: 20 });
      expect(second).toMatchObject({ granted: 10, used: 10 });
      expect(second.windowEndsAt - first.windowEndsAt).toBeGreaterThanOrEqual(SHORT_SECONDS);
    });
  });

  describe('members', () => {
    test('are counted while their word is good, each once and in its group alone', async () => {
      const { storage, peer, pass } = fixture();
      expect(await storage.permits.countMembers('api', 'a', 60)).toBe(1);
      expect(await peer.permits.countMembers('api', 'b', 1)).toBe(2);
      expect(await storage.permits.countMembers('api', 'a', 60)).toBe(2);
      expect(await peer.permits.countMembers('auth', 'a', 60)).toBe(1);
      await pass(1_001);
      expect(await storage.permits.countMembers('api', 'a', 60)).toBe(1);
      expect(await peer.permits.countMembers('api', 'b', 60)).toBe(2);
    });
  });
}
