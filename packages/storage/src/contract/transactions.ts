import { newId } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import { ConflictError } from '../errors.ts';
import type { DurableRecords } from '../storage.ts';
import { newKey } from './api-keys.ts';
import type { DurableFixture } from './durable.ts';

const EVENT = {
  action: 'api_key.created',
  result: 'success',
  actor: { type: 'operator', id: 'test' },
} as const;

export function testTransactions(fixture: () => DurableFixture): void {
  describe('a transaction', () => {
    test('answers what its work does, and stands whole', async () => {
      const { storage, peer, organization } = fixture();
      const { id: organizationId } = await organization();
      const key = newKey(organizationId);
      const made = await storage.transaction(async (records) => {
        await records.auditEvents.append({ ...EVENT, organizationId });
        return records.apiKeys.create(key);
      });
      expect(await peer.apiKeys.find(key.id)).toEqual(made);
      expect(await peer.auditEvents.list({ organizationId, limit: 10 })).toHaveLength(1);
    });

    test('whose work fails, after whichever step, leaves nothing and passes its error on', async () => {
      const { storage, organization } = fixture();
      const { id: organizationId } = await organization();
      const key = newKey(organizationId);
      const failing = storage.transaction(async (records) => {
        await records.apiKeys.create(key);
        await records.auditEvents.append({ ...EVENT, organizationId });
        await records.apiKeys.create(key);
      });
      await expect(failing).rejects.toThrow(ConflictError);
      expect(await storage.apiKeys.find(key.id)).toBeUndefined();
      expect(await storage.auditEvents.list({ organizationId, limit: 10 })).toEqual([]);
    });

    test('takes the transactions within it along, those of other records too', async () => {
      const { storage, organization, clock, grant } = fixture();
      const { id: organizationId } = await organization();
      const before = await storage.apiKeys.create(newKey(organizationId));
      const { id: grantId, accountId } = await grant();
      const successor = newKey(organizationId);
      const failing = storage.transaction(async (records) => {
        await records.apiKeys.rotate(before.id, () => successor, clock.in(60));
        await records.transaction((inner) => inner.grants.revokeMatching({ accountId }));
        throw new Error('after all');
      });
      await expect(failing).rejects.toThrow('after all');
      expect(await storage.apiKeys.find(before.id)).toEqual(before);
      expect(await storage.apiKeys.find(successor.id)).toBeUndefined();
      expect(await storage.grants.find(grantId)).toMatchObject({ revokedAt: null });
    });

    test('that has locked a client works on it as nobody else can change it', async () => {
      const { storage, peer, client } = fixture();
      const { id, metadata } = await client();
      const rename = (records: DurableRecords) =>
        records.transaction(async (within) => {
          expect(await within.clients.lock(id)).toBe(true);
          const before = await within.clients.find(id);
          const name = `${before?.metadata.client_name}+`;
          await within.clients.update(id, { metadata: { ...metadata, client_name: name } });
        });
      await Promise.all(Array.from({ length: 10 }, (_, index) => rename(index % 2 ? storage : peer)));
      const renamed = (await storage.clients.find(id))?.metadata.client_name;
      expect(renamed).toBe(`${metadata.client_name}++++++++++`);
      for (const { clients, apiKeys } of [storage, peer]) {
        for (const id of [newId('client'), newId('apiKey'), 'key_\0']) {
          expect([await clients.lock(id), await apiKeys.lock(id)]).toEqual([false, false]);
        }
      }
    });

    test('that failed costs no connection', async () => {
      const { storage } = fixture();
      for (let times = 0; times < 30; times++) {
        await expect(storage.transaction(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
      }
      expect(await storage.apiKeys.find(newId('apiKey'))).toBeUndefined();
    });
  });
}
