import type { Permits } from './permits.ts';

/** Windows remembered before ended ones are looked for. */
const SWEEP_ABOVE = 1_000;

/**
 * Permits of one process, for development and tests.
 * @param now epoch milliseconds
 */
export function createMemoryPermits(now: () => number = Date.now): Permits {
  const windows = new Map<string, { endsAt: number; used: number }>();
  const groups = new Map<string, Map<string, number>>();
  let sweepAbove = SWEEP_ABOVE;

  function sweep(): void {
    if (windows.size <= sweepAbove) return;
    for (const [key, { endsAt }] of windows) if (endsAt * 1000 <= now()) windows.delete(key);
    sweepAbove = Math.max(SWEEP_ABOVE, windows.size * 2);
  }

  return {
    async lease(key, { limit, windowSeconds, want, seen }) {
      const name = `${windowSeconds}:${key}`;
      const at = Math.floor(now());
      const endsAt = (Math.floor(at / (windowSeconds * 1000)) + 1) * windowSeconds;
      const known = windows.get(name);
      const counted = known?.endsAt === endsAt ? known.used : 0;
      const before = seen?.windowEndsAt === endsAt ? Math.max(counted, seen.used) : counted;
      const granted = Math.max(0, Math.min(want, limit - before));
      windows.set(name, { endsAt, used: before + granted });
      sweep();
      return {
        granted,
        used: before + granted,
        windowEndsInMs: endsAt * 1000 - at,
        windowEndsAt: endsAt,
      };
    },
    async countMembers(group, member, ttlSeconds) {
      const members = groups.get(group) ?? new Map<string, number>();
      groups.set(group, members);
      members.set(member, now() + ttlSeconds * 1000);
      for (const [name, expiresAt] of members) if (expiresAt <= now()) members.delete(name);
      return members.size;
    },
  };
}
