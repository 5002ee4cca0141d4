import { newId } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import { ConflictError } from '../errors.ts';
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
  testSecrets(fixture);
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
