import { newId } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import { ConflictError } from '../errors.ts';
import { newKey } from './api-keys.ts';
import type { DurableFixture } from './durable.ts';

export function testApiKeyRotations(fixture: () => DurableFixture): void {
  describe('rotations of api keys', () => {
    test('store the new key and give the old one its successor and its end', async () => {
      const { storage, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const before = await storage.apiKeys.create(newKey(organizationId));
      clock.advance(5);
      const next = newKey(organizationId);
      const rotated = await storage.apiKeys.rotate(before.id, () => next, clock.in(60));
      const end = { successorId: next.id, expiresAt: clock.in(60), updatedAt: clock.now() };
      expect(rotated?.predecessor).toEqual({ ...before, ...end });
      expect(rotated?.successor).toMatchObject({ ...next, createdAt: clock.now(), successorId: null });
      expect(await storage.apiKeys.find(before.id)).toEqual(rotated?.predecessor);
      expect(await storage.apiKeys.find(next.id)).toEqual(rotated?.successor);
    });

    test('leave the old key its own expiry where that is sooner', async () => {
      const { storage, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const { id } = await storage.apiKeys.create(newKey(organizationId, { expiresAt: clock.in(30) }));
      await storage.apiKeys.rotate(id, () => newKey(organizationId), clock.in(60));
      expect((await storage.apiKeys.find(id))?.expiresAt).toEqual(clock.in(30));
    });

    test('make the new key from what the old one has come to be', async () => {
      const { storage, peer, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const { id } = await storage.apiKeys.create(newKey(organizationId, { scopes: ['a:read', 'a:write'] }));
      let rotation: Promise<unknown> = Promise.resolve();
      await storage.transaction(async (records) => {
        await records.apiKeys.update(id, { scopes: ['a:read'] });
        const succeed = ({ scopes }: { scopes: string[] }) => newKey(organizationId, { scopes });
        rotation = peer.apiKeys.rotate(id, succeed, clock.in(60));
      });
      expect(await rotation).toMatchObject({ successor: { scopes: ['a:read'] } });
    });

    test('of 20 at once one is made, and no other key is stored', async () => {
      const { storage, peer, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const { id } = await storage.apiKeys.create(newKey(organizationId));
      clock.advance(1);
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 ? storage : peer).apiKeys.rotate(id, () => newKey(organizationId), clock.in(index)),
        ),
      );
      const [winner, ...others] = answers.filter((answer) => answer !== undefined);
      expect(others).toEqual([]);
      const stored = await storage.apiKeys.list({ organizationId, limit: 100 });
      expect(stored).toEqual([winner?.successor, winner?.predecessor]);
    });

    test('of keys that are unknown, revoked, expired or rotated change nothing and store nothing', async () => {
      const { storage, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const [revoked, expired, rotated] = [
        newKey(organizationId),
        newKey(organizationId, { expiresAt: clock.in(60) }),
        newKey(organizationId),
      ];
      for (const key of [revoked, expired, rotated]) await storage.apiKeys.create(key);
      await storage.apiKeys.update(revoked.id, { revokedAt: clock.now() });
      await storage.apiKeys.rotate(rotated.id, () => newKey(organizationId), clock.in(600));
      clock.advance(60);
      const before = await storage.apiKeys.list({ organizationId, limit: 100 });
      for (const id of [revoked.id, expired.id, rotated.id, newId('apiKey'), 'key_\0']) {
        expect(await storage.apiKeys.rotate(id, () => newKey(organizationId), clock.in(60))).toBeUndefined();
      }
      expect(await storage.apiKeys.list({ organizationId, limit: 100 })).toEqual(before);
    });

    test('that cannot store the new key leave the old one as it was', async () => {
      const { storage, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const before = await storage.apiKeys.create(newKey(organizationId));
      const taken = await storage.apiKeys.create(newKey(organizationId));
      const nowhere = newKey(newId('organization'));
      for (const successor of [newKey(organizationId, { id: taken.id }), nowhere]) {
        await expect(storage.apiKeys.rotate(before.id, () => successor, clock.in(60))).rejects.toThrow(
          ConflictError,
        );
      }
      expect(await storage.apiKeys.find(before.id)).toEqual(before);
    });
  });
}
