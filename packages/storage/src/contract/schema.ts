import { describe, expect, test } from 'vitest';
import { SchemaTooOldError } from '../errors.ts';
import type { DurableFixture } from './durable.ts';

/** Runs first: it makes the schema that all other tests use. */
export function testSchema(fixture: () => DurableFixture): void {
  describe('schema', () => {
    test('a database that was never migrated is refused as too old', async () => {
      await expect(fixture().storage.checkSchema()).rejects.toThrow(SchemaTooOldError);
    });

    test('concurrent migrators: one runs each migration, the others find it done', async () => {
      const { storage, peer } = fixture();
      const ran = await Promise.all([storage, peer, storage, peer].map((each) => each.migrate()));
      const [names = [], ...rest] = ran.filter((each) => each.length > 0);
      expect(rest).toEqual([]);
      expect(names[0]).toBe('0001_initial');
      expect(names).toEqual(names.toSorted());
    });

    test('migrating again runs nothing, and the schema is accepted', async () => {
      const { storage } = fixture();
      expect(await storage.migrate()).toEqual([]);
      await storage.checkSchema();
      await storage.ping();
    });
  });
}
