import { newId } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import type { UsageCount, UsageQuery } from '../usage.ts';
import type { DurableFixture } from './durable.ts';

const MINUTE_MS = 60_000;
/** The start of a day of UTC, long gone: what other tests count is not in its way. */
const DAY = Date.UTC(2024, 1, 29);
const at = (minutes: number) => new Date(DAY + minutes * MINUTE_MS);

const newCount = (organizationId: string, fields: Partial<UsageCount> = {}): UsageCount => ({
  organizationId,
  environment: 'live',
  credentialType: 'api_key',
  credentialId: 'key_1',
  route: 'GET /api/v2/work-orders',
  statusClass: 2,
  minute: at(0),
  requests: 1,
  ...fields,
});

const ask = (organizationId: string, fields: Partial<UsageQuery> = {}): UsageQuery => ({
  organizationId,
  environment: 'live',
  from: at(0),
  to: at(24 * 60),
  interval: 'day',
  limit: 100,
  ...fields,
});

export function testUsage(fixture: () => DurableFixture): void {
  describe('usage', () => {
    test('what is added is added to what was counted', async () => {
      const { storage, peer, organization } = fixture();
      const { id } = await organization();
      await storage.usage.add([newCount(id, { requests: 3 })]);
      await peer.usage.add([newCount(id, { requests: 4 }), newCount(id, { requests: 5 })]);
      expect(await storage.usage.list(ask(id))).toEqual([
        { at: at(0), group: null, requests: 12, errors: 0 },
      ]);
    });

    test('counts beyond 32 bits are added up as numbers', async () => {
      const { storage, organization } = fixture();
      const { id } = await organization();
      await storage.usage.add([newCount(id, { requests: 2 ** 40 })]);
      await storage.usage.add([newCount(id, { requests: 2 ** 40, statusClass: 5 })]);
      expect(await storage.usage.list(ask(id))).toEqual([
        { at: at(0), group: null, requests: 2 ** 41, errors: 2 ** 40 },
      ]);
    });

    test('counts of an organisation that is gone are dropped, the others kept; none is no fault', async () => {
      const { storage, organization } = fixture();
      const { id } = await organization();
      const gone = newId('organization');
      await storage.usage.add([newCount(gone), newCount(id), newCount('org_\0')]);
      await storage.usage.add([newCount(gone)]);
      await storage.usage.add([]);
      expect(await storage.usage.list(ask(id))).toMatchObject([{ requests: 1 }]);
      expect(await storage.usage.list(ask(gone))).toEqual([]);
    });

    test('a batch that cannot be written is not written in part', async () => {
      const { storage, organization } = fixture();
      const { id } = await organization();
      const bad = newCount(id, { requests: Number.NaN });
      await expect(storage.usage.add([newCount(id), bad])).rejects.toThrow();
      expect(await storage.usage.list(ask(id))).toEqual([]);
    });

    test('parallel batches of the same counts, in any order, lose nothing', async () => {
      const { storage, peer, organization } = fixture();
      const { id } = await organization();
      const counts = Array.from({ length: 20 }, (_, index) => newCount(id, { credentialId: `key_${index}` }));
      await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 ? storage : peer).usage.add(index % 2 ? counts : counts.toReversed()),
        ),
      );
      expect(await storage.usage.list(ask(id))).toMatchObject([{ requests: 400 }]);
    });

    test('a batch written while its organisation is deleted is no fault', async () => {
      const { storage, peer, organization } = fixture();
      const ids: string[] = [];
      for (let index = 0; index < 10; index += 1) ids.push((await organization()).id);
      await Promise.all([
        ...ids.map((id) => peer.organizations.delete(id)),
        ...ids.map(() => storage.usage.add(ids.map((id) => newCount(id)))),
      ]);
      for (const id of ids) expect(await storage.usage.list(ask(id))).toEqual([]);
    });

    test('a purge deletes what was counted before, and says how many rows', async () => {
      const { storage, organization } = fixture();
      const { id } = await organization();
      const old = newCount(id, { minute: new Date(0) });
      const older = newCount(id, { minute: new Date(-MINUTE_MS), requests: 7 });
      const kept = newCount(id, { minute: new Date(MINUTE_MS) });
      await storage.usage.add([old, older, kept]);
      expect(await storage.usage.purge(kept.minute)).toBe(2);
      expect(await storage.usage.purge(kept.minute)).toBe(0);
      const left = await storage.usage.list(ask(id, { from: older.minute, interval: 'minute' }));
      expect(left).toMatchObject([{ at: kept.minute, requests: 1 }]);
    });
  });
  testBuckets(fixture);
  testGroups(fixture);
}

function testBuckets(fixture: () => DurableFixture): void {
  describe('lists of usage', () => {
    test('are by whole minutes, hours or days of UTC, oldest first, of buckets with requests', async () => {
      const { storage, organization } = fixture();
      const { id } = await organization();
      for (const minutes of [24 * 60, 61, 1, 59, 60]) {
        await storage.usage.add([newCount(id, { minute: at(minutes) })]);
      }
      const list = async (interval: UsageQuery['interval']) => {
        const rows = await storage.usage.list(ask(id, { interval, to: at(48 * 60) }));
        return rows.map((row) => [(row.at.getTime() - DAY) / MINUTE_MS, row.requests]);
      };
      const each = [1, 59, 60, 61, 1440].map((minute) => [minute, 1]);
      expect(await list('minute')).toEqual(each);
      expect(await list('hour')).toEqual([
        [0, 2],
        [60, 2],
        [1440, 1],
      ]);
      expect(await list('day')).toEqual([
        [0, 4],
        [1440, 1],
      ]);
    });

    test('are from one instant on and before another', async () => {
      const { storage, organization } = fixture();
      const { id } = await organization();
      for (const minutes of [9, 10, 19, 20]) {
        await storage.usage.add([newCount(id, { minute: at(minutes) })]);
      }
      const rows = await storage.usage.list(ask(id, { interval: 'minute', from: at(10), to: at(20) }));
      expect(rows.map((row) => row.at)).toEqual([at(10), at(19)]);
    });

    test('have no more rows than the limit, the oldest and then those with most requests', async () => {
      const { storage, organization } = fixture();
      const { id } = await organization();
      await storage.usage.add([
        newCount(id, { minute: at(1), credentialId: 'key_late', requests: 9 }),
        newCount(id, { credentialId: 'key_few', requests: 1 }),
        newCount(id, { credentialId: 'key_many', requests: 2 }),
        newCount(id, { credentialId: 'key_as_few', requests: 1 }),
      ]);
      const rows = await storage.usage.list(ask(id, { interval: 'minute', groupBy: 'api_key', limit: 3 }));
      expect(rows.map(({ group }) => group)).toEqual(['key_many', 'key_as_few', 'key_few']);
    });

    test('are of one organisation and one environment', async () => {
      const { storage, organization } = fixture();
      const [mine, other] = [(await organization()).id, (await organization()).id];
      await storage.usage.add([newCount(mine), newCount(mine, { environment: 'test' }), newCount(other)]);
      expect(await storage.usage.list(ask(mine))).toMatchObject([{ requests: 1 }]);
      expect(await storage.usage.list(ask(mine, { environment: 'test' }))).toMatchObject([{ requests: 1 }]);
    });

    test('tell answers of 4xx and 5xx apart', async () => {
      const { storage, organization } = fixture();
      const { id } = await organization();
      await storage.usage.add(
        [2, 3, 4, 5].map((statusClass) => newCount(id, { statusClass, requests: statusClass })),
      );
      expect(await storage.usage.list(ask(id))).toMatchObject([{ requests: 14, errors: 9 }]);
    });
  });
}

function testGroups(fixture: () => DurableFixture): void {
  const seeded = async () => {
    const { storage, organization } = fixture();
    const { id } = await organization();
    await storage.usage.add([
      newCount(id, { credentialId: 'key_1', requests: 1 }),
      newCount(id, { credentialId: 'key_2', requests: 2, statusClass: 4 }),
      newCount(id, { credentialType: 'client', credentialId: 'client_1', requests: 4 }),
      newCount(id, { credentialId: 'key_1', route: 'POST /api/v2/work-orders', requests: 8, statusClass: 5 }),
    ]);
    return { storage, id };
  };

  describe('groups of usage', () => {
    test.each([
      [
        'api_key',
        [
          ['key_1', 9, 8],
          ['key_2', 2, 2],
        ],
      ],
      ['application', [['client_1', 4, 0]]],
      [
        'route',
        [
          ['POST /api/v2/work-orders', 8, 8],
          ['GET /api/v2/work-orders', 7, 2],
        ],
      ],
      [
        'status',
        [
          ['5xx', 8, 8],
          ['2xx', 5, 0],
          ['4xx', 2, 2],
        ],
      ],
    ] as const)('by %s', async (groupBy, expected) => {
      const { storage, id } = await seeded();
      const rows = await storage.usage.list(ask(id, { groupBy }));
      expect(rows.map((row) => [row.group, row.requests, row.errors])).toEqual(expected);
    });

    test('a credential and a route restrict what is counted, in groups too', async () => {
      const { storage, id } = await seeded();
      const total = async (fields: Partial<UsageQuery>) => {
        const rows = await storage.usage.list(ask(id, fields));
        return rows.reduce((sum, { requests }) => sum + requests, 0);
      };
      expect(await total({ credentialType: 'client' })).toBe(4);
      expect(await total({ credentialId: 'key_1' })).toBe(9);
      expect(await total({ credentialId: 'key_1', route: 'POST /api/v2/work-orders' })).toBe(8);
      expect(await total({ groupBy: 'status', credentialId: 'key_2' })).toBe(2);
      expect(await total({ groupBy: 'api_key', credentialType: 'client' })).toBe(0);
    });

    test('what cannot be stored was never counted', async () => {
      const { storage, id } = await seeded();
      expect(await storage.usage.list(ask(id, { credentialId: 'key_1\0' }))).toEqual([]);
      expect(await storage.usage.list(ask(id, { route: '\ud800' }))).toEqual([]);
    });
  });
}
