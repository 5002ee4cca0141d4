import { newId } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import type { ApiKey, NewApiKeyRecord } from '../api-keys.ts';
import { ConflictError } from '../errors.ts';
import type { DurableFixture } from './durable.ts';

export const newKey = (organizationId: string, fields: Partial<NewApiKeyRecord> = {}): NewApiKeyRecord => ({
  id: newId('apiKey'),
  organizationId,
  environment: 'live',
  name: 'Line monitor',
  scopes: ['work-orders:read', 'quality:read'],
  digest: Buffer.from([0, 255, 128, 92]),
  lastFour: 'aB3x',
  ipAllowlist: ['192.0.2.0/24', '2001:db8::/32'],
  rateLimit: 100,
  createdBy: { type: 'account', id: newId('account') },
  expiresAt: null,
  ...fields,
});

export function testApiKeys(fixture: () => DurableFixture): void {
  describe('api keys', () => {
    test('one that was created is found as it was made', async () => {
      const { storage, organization, clock } = fixture();
      const key = newKey((await organization()).id, { environment: 'test', expiresAt: clock.in(60) });
      const made = await storage.apiKeys.create(key);
      const unset = { revokedAt: null, leakedAt: null, lastUsedAt: null, successorId: null };
      expect(made).toEqual({ ...key, ...unset, createdAt: clock.now(), updatedAt: clock.now() });
      expect(await storage.apiKeys.find(key.id)).toEqual(made);
      expect(await storage.apiKeys.find(newId('apiKey'))).toBeUndefined();
    });

    test('empty lists, no limit and no expiry come back as such', async () => {
      const { storage, organization } = fixture();
      const bare = { scopes: [], ipAllowlist: [], rateLimit: null, expiresAt: null };
      const { id } = await storage.apiKeys.create(newKey((await organization()).id, bare));
      expect(await storage.apiKeys.find(id)).toMatchObject(bare);
    });

    test('a taken id, and an organisation that does not exist, are conflicts', async () => {
      const { storage, organization } = fixture();
      const key = newKey((await organization()).id);
      await storage.apiKeys.create(key);
      await expect(storage.apiKeys.create(key)).rejects.toThrow(ConflictError);
      await expect(storage.apiKeys.create(newKey(newId('organization')))).rejects.toThrow(ConflictError);
    });

    test('one that is revoked or expired is found still', async () => {
      const { storage, organization, clock } = fixture();
      const { id } = await storage.apiKeys.create(
        newKey((await organization()).id, { expiresAt: clock.now() }),
      );
      await storage.apiKeys.update(id, { revokedAt: clock.now() });
      clock.advance(60);
      const found = await storage.apiKeys.find(id);
      expect(found).toMatchObject({ revokedAt: clock.in(-60), expiresAt: clock.in(-60) });
    });

    test('findMany answers those of the ids that exist', async () => {
      const { storage, organization } = fixture();
      const { id } = await organization();
      const first = await storage.apiKeys.create(newKey(id));
      const second = await storage.apiKeys.create(newKey(id));
      await storage.apiKeys.create(newKey(id));
      const found = await storage.apiKeys.findMany([second.id, newId('apiKey'), first.id, first.id]);
      expect(found).toHaveLength(2);
      expect(found).toEqual(expect.arrayContaining([first, second]));
      expect(await storage.apiKeys.findMany([])).toEqual([]);
    });

    test('ids that cannot be stored are ids of no key', async () => {
      const { storage, organization } = fixture();
      const { id: organizationId } = await organization();
      const { id } = await storage.apiKeys.create(newKey(organizationId));
      for (const odd of ['key_\0', 'key_\ud800', `${id}\0`]) {
        expect(await storage.apiKeys.find(odd)).toBeUndefined();
        expect((await storage.apiKeys.findMany([odd, id])).map((found) => found.id)).toEqual([id]);
        expect(await storage.apiKeys.update(odd, { name: 'x' })).toBeUndefined();
        expect(await storage.apiKeys.delete(odd)).toBe(false);
        const after = { createdAt: new Date(), id: odd };
        expect(await storage.apiKeys.list({ organizationId, after, limit: 9 })).toEqual([]);
        await storage.apiKeys.touch([{ id: odd, at: new Date() }]);
      }
    });

    test('a delete takes the record, and says whether there was one', async () => {
      const { storage, organization } = fixture();
      const { id } = await storage.apiKeys.create(newKey((await organization()).id));
      expect(await storage.apiKeys.delete(id)).toBe(true);
      expect(await storage.apiKeys.delete(id)).toBe(false);
      expect(await storage.apiKeys.find(id)).toBeUndefined();
    });

    test('an organisation takes its keys with it', async () => {
      const { storage, organization } = fixture();
      const { id: organizationId } = await organization();
      const { id } = await storage.apiKeys.create(newKey(organizationId));
      await storage.organizations.delete(organizationId);
      expect(await storage.apiKeys.find(id)).toBeUndefined();
    });
  });
  testLists(fixture);
  testUpdates(fixture);
  testTouch(fixture);
}

function testLists(fixture: () => DurableFixture): void {
  describe('lists of api keys', () => {
    test('are newest first, page after page, without gap or repeat, also within one instant', async () => {
      const { storage, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const made: ApiKey[] = [];
      for (const seconds of [1, 0, 0, 1, 0]) {
        clock.advance(seconds);
        made.push(await storage.apiKeys.create(newKey(organizationId)));
      }
      await storage.apiKeys.create(newKey((await organization()).id));
      const listed: ApiKey[] = [];
      for (let after: ApiKey | undefined; listed.length < made.length; after = listed.at(-1)) {
        const page = await storage.apiKeys.list({ organizationId, after, limit: 2 });
        expect(page.length).toBeGreaterThan(0);
        listed.push(...page);
      }
      const newestFirst = (one: ApiKey, other: ApiKey) =>
        other.createdAt.getTime() - one.createdAt.getTime() || (one.id < other.id ? 1 : -1);
      expect(listed).toEqual(made.toSorted(newestFirst));
      expect(await storage.apiKeys.list({ organizationId, after: listed.at(-1), limit: 2 })).toEqual([]);
    });

    test('go on from the place of a key that was deleted', async () => {
      const { storage, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const [older, newer] = [newKey(organizationId), newKey(organizationId)];
      await storage.apiKeys.create(older);
      clock.advance(1);
      const after = await storage.apiKeys.create(newer);
      await storage.apiKeys.delete(after.id);
      const rest = await storage.apiKeys.list({ organizationId, after, limit: 9 });
      expect(rest.map(({ id }) => id)).toEqual([older.id]);
    });

    test('are of one environment where it is named, and have revoked and expired keys', async () => {
      const { storage, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const live = await storage.apiKeys.create(newKey(organizationId, { expiresAt: clock.in(-1) }));
      clock.advance(1);
      const tested = await storage.apiKeys.create(newKey(organizationId, { environment: 'test' }));
      await storage.apiKeys.update(tested.id, { revokedAt: clock.now() });
      const ids = async (environment?: 'live' | 'test') => {
        const page = await storage.apiKeys.list({
          organizationId,
          ...(environment && { environment }),
          limit: 9,
        });
        return page.map(({ id }) => id);
      };
      expect(await ids()).toEqual([tested.id, live.id]);
      expect(await ids('live')).toEqual([live.id]);
      expect(await ids('test')).toEqual([tested.id]);
    });
  });
}

function testUpdates(fixture: () => DurableFixture): void {
  describe('updates of api keys', () => {
    test('change the named fields and updatedAt alone', async () => {
      const { storage, organization, clock } = fixture();
      const before = await storage.apiKeys.create(newKey((await organization()).id));
      clock.advance(5);
      const renamed = await storage.apiKeys.update(before.id, { name: 'Renamed' });
      expect(renamed).toEqual({ ...before, name: 'Renamed', updatedAt: clock.now() });
      const changes = {
        scopes: [],
        ipAllowlist: ['::1'],
        rateLimit: null,
        expiresAt: clock.in(60),
        leakedAt: clock.now(),
      };
      const after = await storage.apiKeys.update(before.id, changes);
      expect(after).toEqual({ ...renamed, ...changes });
      expect(await storage.apiKeys.find(before.id)).toEqual(after);
      expect(await storage.apiKeys.update(newId('apiKey'), { name: 'x' })).toBeUndefined();
    });

    test('leave a revocation as it was first made', async () => {
      const { storage, organization, clock } = fixture();
      const { id } = await storage.apiKeys.create(newKey((await organization()).id));
      const revokedAt = clock.now();
      expect(await storage.apiKeys.update(id, { revokedAt })).toMatchObject({ revokedAt });
      for (const later of [clock.in(60), clock.in(-60), null]) {
        expect(await storage.apiKeys.update(id, { revokedAt: later })).toMatchObject({ revokedAt });
      }
      expect(await storage.apiKeys.update(id, { name: 'x' })).toMatchObject({ name: 'x', revokedAt });
    });

    test('of 20 parallel revocations one stands, and all answer it', async () => {
      const { storage, peer, organization, clock } = fixture();
      const { id } = await storage.apiKeys.create(newKey((await organization()).id));
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 ? storage : peer).apiKeys.update(id, { revokedAt: clock.in(index) }),
        ),
      );
      const { revokedAt } = (await storage.apiKeys.find(id)) ?? {};
      expect(revokedAt).toBeInstanceOf(Date);
      for (const answer of answers) expect(answer?.revokedAt).toEqual(revokedAt);
    });

    test('are told by listChangedSince, at that instant and after, revocations among them', async () => {
      const { storage, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const [old, renamed, revoked] = [
        newKey(organizationId),
        newKey(organizationId),
        newKey(organizationId),
      ];
      for (const key of [old, renamed, revoked]) await storage.apiKeys.create(key);
      clock.advance(10);
      const since = clock.now();
      await storage.apiKeys.update(renamed.id, { name: 'x' });
      clock.advance(1);
      await storage.apiKeys.update(revoked.id, { revokedAt: clock.now() });
      const changed = await storage.apiKeys.listChangedSince(since);
      expect(changed.toSorted()).toEqual([renamed.id, revoked.id].toSorted());
      expect(await storage.apiKeys.listChangedSince(clock.now())).toEqual([revoked.id]);
    });
  });
}

function testTouch(fixture: () => DurableFixture): void {
  describe('last uses of api keys', () => {
    test('are set where they are later, and change nothing else', async () => {
      const { storage, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const first = await storage.apiKeys.create(newKey(organizationId));
      const second = await storage.apiKeys.create(newKey(organizationId));
      await storage.apiKeys.touch([{ id: second.id, at: clock.in(30) }]);
      clock.advance(60);
      await storage.apiKeys.touch([
        { id: first.id, at: clock.now() },
        { id: second.id, at: clock.in(-31) },
      ]);
      expect(await storage.apiKeys.find(first.id)).toEqual({ ...first, lastUsedAt: clock.now() });
      expect(await storage.apiKeys.find(second.id)).toEqual({ ...second, lastUsedAt: clock.in(-30) });
    });

    test('of one key given twice, the later stands; ids without a key are skipped; none is no fault', async () => {
      const { storage, organization, clock } = fixture();
      const { id } = await storage.apiKeys.create(newKey((await organization()).id));
      await storage.apiKeys.touch([
        { id, at: clock.in(2) },
        { id: newId('apiKey'), at: clock.now() },
        { id, at: clock.in(1) },
      ]);
      await storage.apiKeys.touch([]);
      expect((await storage.apiKeys.find(id))?.lastUsedAt).toEqual(clock.in(2));
    });

    test('of the same keys, written by many at once in any order, none is lost', async () => {
      const { storage, peer, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const ids: string[] = [];
      for (let index = 0; index < 20; index += 1) {
        ids.push((await storage.apiKeys.create(newKey(organizationId))).id);
      }
      await Promise.all(
        Array.from({ length: 20 }, (_, index) => {
          const uses = (index % 2 ? ids : ids.toReversed()).map((id) => ({ id, at: clock.in(index) }));
          return (index % 2 ? storage : peer).apiKeys.touch(uses);
        }),
      );
      for (const key of await storage.apiKeys.findMany(ids)) expect(key.lastUsedAt).toEqual(clock.in(19));
    });
  });
}
