import { randomBase62 } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import type { DurableFixture } from './durable.ts';

export function testRevocations(fixture: () => DurableFixture): void {
  const newRevocation = ({ clock }: DurableFixture) => ({
    subject: 'grant' as const,
    id: randomBase62(20),
    revokedAt: clock.now(),
    expiresAt: clock.in(60),
  });

  describe('revocations', () => {
    test('findAny answers those of the given subjects that are recorded', async () => {
      const all = fixture();
      const { revocations } = all.storage;
      const first = newRevocation(all);
      const second = { ...newRevocation(all), subject: 'token' as const };
      await revocations.put(first);
      await revocations.put(second);
      await revocations.put(newRevocation(all));
      const found = await revocations.findAny([
        { subject: 'grant', id: first.id },
        { subject: 'token', id: second.id },
        { subject: 'client', id: first.id },
        { subject: 'token', id: 'none' },
      ]);
      expect(found).toHaveLength(2);
      expect(found).toEqual(expect.arrayContaining([first, second]));
      expect(await revocations.findAny([])).toEqual([]);
      expect(await revocations.findAny([{ subject: 'token', id: 'a\0' }])).toEqual([]);
    });

    test('recorded twice, the later revokedAt and the later expiresAt stand', async () => {
      const all = fixture();
      const { revocations } = all.storage;
      const first = newRevocation(all);
      await revocations.put(first);
      await revocations.put({ ...first, revokedAt: all.clock.in(5), expiresAt: all.clock.in(30) });
      await revocations.put({ ...first, revokedAt: all.clock.in(-5), expiresAt: all.clock.in(90) });
      expect(await revocations.findAny([first])).toEqual([
        { ...first, revokedAt: all.clock.in(5), expiresAt: all.clock.in(90) },
      ]);
    });

    test('the list leaves out what has expired, and a purge deletes it', async () => {
      const all = fixture();
      const { revocations } = all.storage;
      const old = newRevocation(all);
      const live = { ...newRevocation(all), expiresAt: all.clock.in(600) };
      await revocations.put(old);
      await revocations.put(live);
      all.clock.advance(61);
      const listed = await revocations.list();
      expect(listed).toContainEqual(live);
      expect(listed).not.toContainEqual(old);
      expect(await revocations.purge(all.clock.now())).toBeGreaterThan(0);
      expect(await revocations.purge(all.clock.now())).toBe(0);
      expect(await revocations.findAny([old, live])).toEqual([live]);
    });
  });
}
