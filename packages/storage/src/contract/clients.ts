import { newId } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import type { Client } from '../clients.ts';
import { ConflictError } from '../errors.ts';
import type { Place } from '../place.ts';
import { type DurableFixture, METADATA } from './durable.ts';

export function testClients(fixture: () => DurableFixture): void {
  describe('clients', () => {
    test('one that was created is found as it was made', async () => {
      const { storage, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const client = {
        id: newId('client'),
        organizationId,
        environment: 'test' as const,
        metadata: METADATA,
      };
      const made = await storage.clients.create(client);
      const instants = { createdAt: clock.now(), updatedAt: clock.now(), disabledAt: null };
      expect(made).toEqual({ ...client, ...instants, secrets: [] });
      expect(await storage.clients.find(client.id)).toEqual(made);
      expect(await storage.clients.find(newId('client'))).toBeUndefined();
      expect(await storage.clients.find('client_\0')).toBeUndefined();
      await expect(storage.clients.create(client)).rejects.toThrow(ConflictError);
    });

    test('metadata comes back as it was written, order of keys included', async () => {
      const { storage, client } = fixture();
      const { id } = await client();
      const found = await storage.clients.find(id);
      expect(JSON.stringify(found?.metadata)).toBe(JSON.stringify(METADATA));
    });

    test('an update changes the named fields and updatedAt, and replaces metadata whole', async () => {
      const { storage, client, clock } = fixture();
      const before = await client();
      clock.advance(5);
      const { client_uri: _, ...metadata } = { ...METADATA, client_uri: 'x', client_name: 'Renamed' };
      const after = await storage.clients.update(before.id, { metadata, disabledAt: clock.now() });
      expect(after).toEqual({ ...before, metadata, updatedAt: clock.now(), disabledAt: clock.now() });
      expect(await storage.clients.find(before.id)).toEqual(after);
      expect(await storage.clients.update(newId('client'), {})).toBeUndefined();
    });

    test('the list has every client, or those of an organisation, oldest first', async () => {
      const { storage, organization, client, clock } = fixture();
      const { id } = await organization();
      const first = await client(id);
      clock.advance(1);
      const second = await client(id);
      clock.advance(1);
      const other = await client();
      // Neither the age of secrets nor having any changes the order.
      for (const clientId of [second.id, first.id]) {
        await storage.clients.addSecret({
          id: newId('secret'),
          clientId,
          digest: Buffer.of(1),
          expiresAt: clock.now(),
        });
        const live = { id: newId('secret'), clientId, digest: Buffer.of(2), expiresAt: null };
        await storage.clients.addSecret(live);
        clock.advance(1);
      }
      const ofOrganization = await storage.clients.list({ organizationId: id });
      expect(ofOrganization.map(({ secrets, ...each }) => ({ ...each, secrets: [] }))).toEqual([
        first,
        second,
      ]);
      expect(ofOrganization.map(({ secrets }) => secrets.length)).toEqual([1, 1]);
      const all = (await storage.clients.list()).map((each) => each.id);
      expect(all.slice(-3)).toEqual([first.id, second.id, other.id]);
    });

    test('a delete takes secrets, grants, consents and refresh tokens, and no resource server', async () => {
      const { storage, grant, clock } = fixture();
      const { id, accountId, clientId } = await grant();
      const resourceServer = await storage.resourceServers.create({
        ...RESOURCE_SERVER,
        id: newId('resourceServer'),
        identifier: `https://${clientId}.example`,
        introspectionClientId: clientId,
      });
      await storage.grants.putConsent({ accountId, clientId, organizationId: null, payload: {} });
      const token = { grantId: id, accountId, clientId, payload: {}, expiresAt: clock.in(60) };
      await storage.refreshTokens.put({ ...token, value: id });
      expect(await storage.clients.delete(clientId)).toBe(true);
      expect(await storage.clients.delete(clientId)).toBe(false);
      expect(await storage.grants.find(id)).toBeUndefined();
      expect(await storage.grants.findConsent(accountId, clientId, null)).toBeUndefined();
      expect(await storage.refreshTokens.find(id)).toBeUndefined();
      const kept = await storage.resourceServers.find(resourceServer.id);
      expect(kept?.introspectionClientId).toBeNull();
    });
  });
  testPages(fixture);
  testSecrets(fixture);
}

function testPages(fixture: () => DurableFixture): void {
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

const RESOURCE_SERVER = {
  name: 'API',
  scopes: {},
  tokenFormat: 'jwt',
  tokenTtlSeconds: 3600,
  signingAlgorithm: 'ES256',
  acceptsApiKeys: false,
  isDefault: false,
} as const;

function testSecrets(fixture: () => DurableFixture): void {
  const newSecret = (clientId: string, expiresAt: Date | null = null) => ({
    id: newId('secret'),
    clientId,
    digest: Buffer.from([0, 255, 128, 92]),
    expiresAt,
  });

  describe('client secrets', () => {
    test('several live at once are found with the client, oldest first', async () => {
      const { storage, client, clock } = fixture();
      const { id } = await client();
      const first = await storage.clients.addSecret(newSecret(id));
      clock.advance(1);
      const second = await storage.clients.addSecret(newSecret(id, clock.in(60)));
      expect((await storage.clients.find(id))?.secrets).toEqual([first, second]);
      expect(first).toEqual({ ...newSecret(id), id: first.id, createdAt: clock.in(-1) });
      expect((await storage.clients.list()).find((each) => each.id === id)?.secrets).toEqual([first, second]);
    });

    test('one that has expired is left out', async () => {
      const { storage, client, clock } = fixture();
      const { id } = await client();
      await storage.clients.addSecret(newSecret(id, clock.in(60)));
      clock.advance(60);
      expect((await storage.clients.find(id))?.secrets).toEqual([]);
    });

    test('one that is given an end lives until then', async () => {
      const { storage, client, clock } = fixture();
      const { id } = await client();
      const secret = await storage.clients.addSecret(newSecret(id));
      expect(await storage.clients.expireSecret(id, secret.id, clock.in(60))).toBe(true);
      clock.advance(59);
      expect((await storage.clients.find(id))?.secrets).toHaveLength(1);
      clock.advance(1);
      expect((await storage.clients.find(id))?.secrets).toEqual([]);
    });

    test('one that is revoked is gone at once, and only through its own client', async () => {
      const { storage, client } = fixture();
      const { id } = await client();
      const { id: other } = await client();
      const secret = await storage.clients.addSecret(newSecret(id));
      expect(await storage.clients.revokeSecret(other, secret.id)).toBe(false);
      expect((await storage.clients.find(id))?.secrets).toHaveLength(1);
      expect(await storage.clients.revokeSecret(id, secret.id)).toBe(true);
      expect((await storage.clients.find(id))?.secrets).toEqual([]);
    });

    test('one that has ended, by itself or revoked, is not brought back by another end', async () => {
      const { storage, client, clock } = fixture();
      const { id } = await client();
      const revoked = await storage.clients.addSecret(newSecret(id));
      const expired = await storage.clients.addSecret(newSecret(id, clock.in(60)));
      await storage.clients.revokeSecret(id, revoked.id);
      clock.advance(60);
      for (const secret of [revoked, expired]) {
        expect(await storage.clients.expireSecret(id, secret.id, clock.in(60))).toBe(false);
      }
      expect((await storage.clients.find(id))?.secrets).toEqual([]);
    });

    test('one of a client that does not exist is a conflict', async () => {
      const { storage } = fixture();
      const secret = newSecret(newId('client'));
      await expect(storage.clients.addSecret(secret)).rejects.toThrow(ConflictError);
      await expect(storage.clients.addSecretWithin(1, secret)).rejects.toThrow(ConflictError);
    });

    test('of 20 added at once within a bound, as many live as it says, expired ones not counted', async () => {
      const { storage, peer, client, clock } = fixture();
      const { id } = await client();
      const { id: other } = await client();
      for (let index = 0; index < 3; index += 1) {
        await storage.clients.addSecret(newSecret(id, clock.in(-1)));
        await storage.clients.addSecret(newSecret(other));
      }
      const first = await storage.clients.addSecret(newSecret(id));
      const added = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 ? storage : peer).clients.addSecretWithin(4, newSecret(id, clock.in(60))),
        ),
      );
      const stored = added.filter((secret) => secret !== undefined);
      expect(stored).toHaveLength(3);
      const live = (await storage.clients.find(id))?.secrets ?? [];
      expect(new Set(live)).toEqual(new Set([first, ...stored]));
      clock.advance(60);
      expect(await storage.clients.addSecretWithin(2, newSecret(id))).toMatchObject({ clientId: id });
      expect(await storage.clients.addSecretWithin(2, newSecret(id))).toBeUndefined();
    });
  });
}
