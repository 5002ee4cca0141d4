import { randomBase62 } from '@latchkey/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import { ConflictError } from '../errors.ts';
import type { SigningKey } from '../signing-keys.ts';
import type { DurableFixture } from './durable.ts';

type NewKey = Omit<SigningKey, 'createdAt' | 'retiredAt'>;

function newKey(activeAt: Date, fields: Partial<NewKey> = {}): NewKey {
  const kid = randomBase62(16);
  return {
    kid,
    algorithm: 'ES256',
    publicJwk: { kty: 'EC', kid },
    sealedPrivateJwk: Buffer.from([1, 0, 255]),
    activeAt,
    ...fields,
  };
}

export function testSigningKeys(fixture: () => DurableFixture): void {
  describe('signing keys', () => {
    beforeEach(async () => {
      const { storage, clock } = fixture();
      for (const { kid } of await storage.signingKeys.list())
        await storage.signingKeys.retire(kid, clock.now());
    });

    test('a first key is listed as it was made', async () => {
      const { storage, clock } = fixture();
      const key = newKey(clock.now());
      expect(await storage.signingKeys.createFirst(key)).toBe(true);
      expect(await storage.signingKeys.list()).toEqual([{ ...key, createdAt: clock.now(), retiredAt: null }]);
    });

    test('a first key of an algorithm that has one is not created', async () => {
      const { storage, clock } = fixture();
      const key = newKey(clock.now());
      await storage.signingKeys.createFirst(key);
      expect(await storage.signingKeys.createFirst(newKey(clock.now()))).toBe(false);
      const rsa = newKey(clock.now(), { algorithm: 'RS256' });
      expect(await storage.signingKeys.createFirst(rsa)).toBe(true);
      const kids = (await storage.signingKeys.list()).map(({ kid }) => kid);
      expect(kids.toSorted()).toEqual([key.kid, rsa.kid].toSorted());
    });

    test('of parallel first keys one wins', async () => {
      const { storage, peer, clock } = fixture();
      const created = await Promise.all(
        [storage, peer, storage, peer, storage, peer].map((each) =>
          each.signingKeys.createFirst(newKey(clock.now())),
        ),
      );
      expect(created.filter(Boolean)).toHaveLength(1);
      expect(await storage.signingKeys.list()).toHaveLength(1);
    });

    test('a rotation adds the successor and dates the end of the previous key', async () => {
      const { storage, clock } = fixture();
      const old = newKey(clock.now());
      await storage.signingKeys.createFirst(old);
      const rsa = newKey(clock.now(), { algorithm: 'RS256' });
      await storage.signingKeys.createFirst(rsa);
      clock.advance(10);
      const next = newKey(clock.in(60));
      const made = await storage.signingKeys.rotate(next, clock.in(600));
      expect(made).toEqual({ ...next, createdAt: clock.now(), retiredAt: null });
      const retiredAt = new Map((await storage.signingKeys.list()).map((key) => [key.kid, key.retiredAt]));
      expect(retiredAt.get(old.kid)).toEqual(clock.in(600));
      expect(retiredAt.get(rsa.kid)).toBeNull();
      expect(retiredAt.get(next.kid)).toBeNull();
    });

    test('a rotation while a successor waits is a conflict and changes nothing', async () => {
      const { storage, clock } = fixture();
      await storage.signingKeys.createFirst(newKey(clock.now()));
      await storage.signingKeys.rotate(newKey(clock.in(60)), clock.in(600));
      const before = await storage.signingKeys.listAll();
      const again = storage.signingKeys.rotate(newKey(clock.in(90)), clock.in(900));
      await expect(again).rejects.toThrow(ConflictError);
      expect(await storage.signingKeys.listAll()).toEqual(before);
      clock.advance(60);
      await storage.signingKeys.rotate(newKey(clock.in(60)), clock.in(900));
    });

    test('of parallel rotations one wins', async () => {
      const { storage, peer, clock } = fixture();
      await storage.signingKeys.createFirst(newKey(clock.now()));
      const rotations = await Promise.allSettled(
        [storage, peer, storage, peer].map((each) =>
          each.signingKeys.rotate(newKey(clock.in(60)), clock.in(600)),
        ),
      );
      expect(rotations.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await storage.signingKeys.list()).toHaveLength(2);
    });

    test('a key past retiredAt is listed no more, except among all', async () => {
      const { storage, clock } = fixture();
      const key = newKey(clock.now());
      await storage.signingKeys.createFirst(key);
      expect(await storage.signingKeys.retire(key.kid, clock.in(60))).toBe(true);
      expect(await storage.signingKeys.list()).toHaveLength(1);
      clock.advance(60);
      expect(await storage.signingKeys.list()).toEqual([]);
      expect((await storage.signingKeys.listAll()).map(({ kid }) => kid)).toContain(key.kid);
      expect(await storage.signingKeys.retire('unknown', clock.now())).toBe(false);
      expect(await storage.signingKeys.createFirst(newKey(clock.now()))).toBe(true);
    });

    test('the end of a key is only ever brought forward', async () => {
      const { storage, clock } = fixture();
      const key = newKey(clock.now());
      await storage.signingKeys.createFirst(key);
      const retired = async (at: Date) => {
        expect(await storage.signingKeys.retire(key.kid, at)).toBe(true);
        return (await storage.signingKeys.list())[0]?.retiredAt;
      };
      expect(await retired(clock.in(60))).toEqual(clock.in(60));
      expect(await retired(clock.in(90))).toEqual(clock.in(60));
      expect(await retired(clock.in(30))).toEqual(clock.in(30));
    });

    test('keys come by activeAt, oldest first', async () => {
      const { storage, clock } = fixture();
      const late = newKey(clock.in(60));
      const early = newKey(clock.now(), { algorithm: 'RS256' });
      await storage.signingKeys.createFirst(late);
      await storage.signingKeys.createFirst(early);
      expect((await storage.signingKeys.list()).map(({ kid }) => kid)).toEqual([early.kid, late.kid]);
    });
  });
}
