import { newId } from '@latchkey/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { ConflictError } from '../errors.ts';
import type { NewResourceServer } from '../resource-servers.ts';
import type { DurableFixture } from './durable.ts';

function newResourceServer(fields: Partial<NewResourceServer> = {}): NewResourceServer {
  const id = newId('resourceServer');
  return {
    id,
    identifier: `https://${id}.example/`,
    name: 'API',
    scopes: { 'z:read': 'Read z', 'a:read': 'Read a' },
    tokenFormat: 'jwt',
    tokenTtlSeconds: 3600,
    signingAlgorithm: 'ES256',
    acceptsApiKeys: true,
    isDefault: false,
    introspectionClientId: null,
    ...fields,
  };
}

export function testResourceServers(fixture: () => DurableFixture): void {
  describe('resource servers', () => {
    afterEach(async () => {
      const { resourceServers } = fixture().storage;
      for (const { id } of await resourceServers.list()) await resourceServers.delete(id);
    });

    test('one that was created is found by id and by identifier', async () => {
      const { storage, clock, client } = fixture();
      const fields = newResourceServer({ introspectionClientId: (await client()).id });
      const made = await storage.resourceServers.create(fields);
      expect(made).toEqual({ ...fields, createdAt: clock.now(), updatedAt: clock.now() });
      expect(Object.keys(made.scopes)).toEqual(['z:read', 'a:read']);
      expect(await storage.resourceServers.find(fields.id)).toEqual(made);
      expect(await storage.resourceServers.findByIdentifier(fields.identifier)).toEqual(made);
      expect(await storage.resourceServers.findByIdentifier('https://other.example/\0')).toBeUndefined();
    });

    test('a taken id or identifier is a conflict, and takes the default from nobody', async () => {
      const { storage } = fixture();
      const taken = await storage.resourceServers.create(newResourceServer({ isDefault: true }));
      const create = (fields: Partial<NewResourceServer>) =>
        storage.resourceServers.create(newResourceServer(fields));
      for (const fields of [{ id: taken.id }, { identifier: taken.identifier }]) {
        await expect(create({ ...fields, isDefault: true })).rejects.toThrow(ConflictError);
      }
      expect(await storage.resourceServers.find(taken.id)).toEqual(taken);
    });

    test('the list is oldest first, and a delete takes one from it', async () => {
      const { storage, clock } = fixture();
      const first = await storage.resourceServers.create(newResourceServer());
      clock.advance(1);
      const second = await storage.resourceServers.create(newResourceServer());
      expect(await storage.resourceServers.list()).toEqual([first, second]);
      expect(await storage.resourceServers.delete(first.id)).toBe(true);
      expect(await storage.resourceServers.delete(first.id)).toBe(false);
      expect(await storage.resourceServers.list()).toEqual([second]);
    });

    test('an update changes the named fields and updatedAt', async () => {
      const { storage, clock } = fixture();
      const before = await storage.resourceServers.create(newResourceServer());
      clock.advance(1);
      const changes = { scopes: { 'b:read': 'Read b' }, tokenFormat: 'opaque' as const };
      const after = await storage.resourceServers.update(before.id, changes);
      expect(after).toEqual({ ...before, ...changes, updatedAt: clock.now() });
      expect(await storage.resourceServers.update(newId('resourceServer'), changes)).toBeUndefined();
    });

    test('of several created as the default at once, one is', async () => {
      const { storage, peer } = fixture();
      const created = await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          (index % 2 ? storage : peer).resourceServers.create(newResourceServer({ isDefault: true })),
        ),
      );
      expect(created.map(({ isDefault }) => isDefault)).toEqual(Array(6).fill(true));
      const defaults = (await storage.resourceServers.list()).filter(({ isDefault }) => isDefault);
      expect(defaults).toHaveLength(1);
    });

    test('making one the default takes that from the other', async () => {
      const { storage } = fixture();
      const old = await storage.resourceServers.create(newResourceServer({ isDefault: true }));
      const fresh = await storage.resourceServers.create(newResourceServer());
      expect((await storage.resourceServers.update(fresh.id, { isDefault: true }))?.isDefault).toBe(true);
      expect((await storage.resourceServers.find(old.id))?.isDefault).toBe(false);
    });

    test('a default that does not exist leaves the present one', async () => {
      const { storage } = fixture();
      const { id } = await storage.resourceServers.create(newResourceServer({ isDefault: true }));
      const missing = await storage.resourceServers.update(newId('resourceServer'), { isDefault: true });
      expect(missing).toBeUndefined();
      expect((await storage.resourceServers.find(id))?.isDefault).toBe(true);
    });

    test('of two made the default at once, one is', async () => {
      const { storage, peer } = fixture();
      const first = await storage.resourceServers.create(newResourceServer());
      const second = await storage.resourceServers.create(newResourceServer());
      await Promise.all([
        storage.resourceServers.update(first.id, { isDefault: true }),
        peer.resourceServers.update(second.id, { isDefault: true }),
      ]);
      const defaults = (await storage.resourceServers.list()).filter(({ isDefault }) => isDefault);
      expect(defaults).toHaveLength(1);
    });
  });
}
