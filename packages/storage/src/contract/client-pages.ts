import { newId } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import type { Client } from '../clients.ts';
import type { Place } from '../place.ts';
import { type DurableFixture, METADATA } from './durable.ts';

export function testClientPages(fixture: () => DurableFixture): void {
  describe('pages of clients', () => {
    const newClient = (organizationId: string, environment: 'live' | 'test' = 'live') =>
      fixture().storage.clients.create({
        id: newId('client'),
        organizationId,
        environment,
        metadata: METADATA,
      });

    test('are newest first, without gap or repeat, also within one instant', async () => {
      const { storage, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const made = [await newClient(organizationId), await newClient(organizationId)];
      clock.advance(1);
      made.push(
        await newClient(organizationId),
        await newClient(organizationId),
        await newClient(organizationId),
      );
      const listed: Client[] = [];
      for (let after: Client | undefined; listed.length < made.length; after = listed.at(-1)) {
        const page = await storage.clients.listPage({ organizationId, environment: 'live', after, limit: 2 });
        expect(page.length).toBeGreaterThan(0);
        listed.push(...page);
      }
      const ids = (clients: readonly Client[]) => clients.map(({ id }) => id).toSorted();
      expect(ids(listed)).toEqual(ids(made));
      expect(ids(listed.slice(3))).toEqual(ids(made.slice(0, 2)));
      const end = { organizationId, environment: 'live', after: listed.at(-1), limit: 2 } as const;
      expect(await storage.clients.listPage(end)).toEqual([]);
    });

    test('are counted in clients, each with its live secrets, oldest first', async () => {
      const { storage, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const clientIds: string[] = [];
      for (const _ of [1, 2, 3]) {
        const { id: clientId } = await newClient(organizationId);
        clientIds.unshift(clientId);
        for (const expiresAt of [null, clock.in(60), clock.in(-60)]) {
          await storage.clients.addSecret({ id: newId('secret'), clientId, digest: Buffer.of(1), expiresAt });
          clock.advance(1);
        }
      }
      const page = await storage.clients.listPage({ organizationId, environment: 'live', limit: 2 });
      expect(page.map(({ id }) => id)).toEqual(clientIds.slice(0, 2));
      for (const client of page) expect(client).toEqual(await storage.clients.find(client.id));
      expect(page.map(({ secrets }) => secrets.length)).toEqual([2, 2]);
    });

    test('leave a type out without being short for it, wherever it stands', async () => {
      const { storage, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const shown: Client[] = [];
      for (const application_type of ['web', 'resource_server', 'machine', 'web'] as const) {
        const metadata = { ...METADATA, application_type };
        const client = { id: newId('client'), organizationId, environment: 'live', metadata } as const;
        const made = await storage.clients.create(client);
        if (application_type !== 'resource_server') shown.unshift(made);
        clock.advance(1);
      }
      const filter = { organizationId, environment: 'live', except: 'resource_server' } as const;
      const list = (after?: Client) => storage.clients.listPage({ ...filter, after, limit: 2 });
      expect(await list()).toEqual(shown.slice(0, 2));
      expect(await list(shown[0])).toEqual(shown.slice(1));
      expect(await list(shown[2])).toEqual([]);
      expect(await storage.clients.listPage({ organizationId, environment: 'live', limit: 9 })).toHaveLength(
        4,
      );
    });

    test('are of one organisation and environment, and go on from any place, a deleted client’s too', async () => {
      const { storage, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const live = await newClient(organizationId);
      const tested = await newClient(organizationId, 'test');
      const other = await newClient((await organization()).id);
      const list = async (environment: 'live' | 'test', after?: Place) => {
        const page = await storage.clients.listPage({ organizationId, environment, after, limit: 9 });
        return page.map(({ id }) => id);
      };
      expect(await list('live')).toEqual([live.id]);
      expect(await list('test')).toEqual([tested.id]);
      clock.advance(1);
      const newer = await newClient(organizationId);
      await storage.clients.delete(newer.id);
      for (const after of [newer, { ...other, createdAt: newer.createdAt }]) {
        expect(await list('live', after)).toEqual([live.id]);
      }
      for (const id of ['client_\0', 'client_\ud800']) {
        expect(await list('live', { createdAt: newer.createdAt, id })).toEqual([]);
      }
    });
  });
}
