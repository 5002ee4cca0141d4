import { newId } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import { ConflictError } from '../errors.ts';
import type { DurableFixture } from './durable.ts';

export function testGrants(fixture: () => DurableFixture): void {
  describe('grants', () => {
    test('one that was put is found until its expiry', async () => {
      const { storage, grant, organization, clock } = fixture();
      const { id: organizationId } = await organization();
      const createdAt = clock.now();
      const payload = { openid: { scope: 'openid' } };
      const put = await grant({ organizationId, payload, expiresAt: clock.in(60) });
      expect(await storage.grants.find(put.id)).toEqual({ ...put, createdAt, revokedAt: null });
      clock.advance(60);
      expect(await storage.grants.find(put.id)).toBeUndefined();
      expect(await storage.grants.find('grant_\0')).toBeUndefined();
    });

    test('findLive answers which of the ids are of grants that would be found', async () => {
      const { storage, grant, clock } = fixture();
      const live = await grant();
      const expired = await grant({ expiresAt: clock.in(60) });
      const revoked = await grant();
      await storage.grants.revoke(revoked.id);
      clock.advance(60);
      const ids = [live.id, expired.id, revoked.id, newId('grant'), 'grant_\0', live.id];
      expect(await storage.grants.findLive(ids)).toEqual([live.id]);
      expect(await storage.grants.findLive([])).toEqual([]);
    });

    test('put again, it has the new payload and expiry and keeps the rest', async () => {
      const { storage, grant, clock } = fixture();
      const put = await grant();
      const before = await storage.grants.find(put.id);
      clock.advance(5);
      const changes = { payload: { b: 2 }, expiresAt: clock.in(90) };
      expect(await storage.grants.put({ ...put, ...changes })).toBe(true);
      expect(await storage.grants.find(put.id)).toEqual({ ...before, ...changes });
    });

    test('a revoked one is not found, and never comes back', async () => {
      const { storage, grant, clock } = fixture();
      const put = await grant();
      expect(await storage.grants.revoke(put.id)).toBe(true);
      expect(await storage.grants.revoke(put.id)).toBe(false);
      expect(await storage.grants.find(put.id)).toBeUndefined();
      expect(await storage.grants.put({ ...put, payload: {}, expiresAt: clock.in(90) })).toBe(false);
      expect(await storage.grants.find(put.id)).toBeUndefined();
    });

    test("a revocation takes its refresh tokens and no other grant's", async () => {
      const { storage, grant, clock } = fixture();
      const revoked = await grant();
      const sibling = await grant({ accountId: revoked.accountId, clientId: revoked.clientId });
      const put = ({ id, accountId, clientId }: typeof revoked, value: string) =>
        storage.refreshTokens.put({
          value,
          grantId: id,
          accountId,
          clientId,
          payload: {},
          expiresAt: clock.in(60),
        });
      await put(revoked, `${revoked.id}.1`);
      await put(revoked, `${revoked.id}.2`);
      await put(sibling, sibling.id);
      await storage.grants.revoke(revoked.id);
      expect(await storage.refreshTokens.find(`${revoked.id}.1`)).toBeUndefined();
      expect(await storage.refreshTokens.find(`${revoked.id}.2`)).toBeUndefined();
      expect(await storage.refreshTokens.find(sibling.id)).toBeDefined();
    });

    test('revoking an unknown or expired one answers false', async () => {
      const { storage, grant, clock } = fixture();
      const { id } = await grant({ expiresAt: clock.in(60) });
      clock.advance(60);
      expect(await storage.grants.revoke(id)).toBe(false);
      expect(await storage.grants.revoke(newId('grant'))).toBe(false);
      expect(await storage.grants.revoke('grant_\0')).toBe(false);
    });

    test('revokeMatching ends the live grants that match all named fields, and answers their ids', async () => {
      const { storage, grant, clock } = fixture();
      const first = await grant();
      const second = await grant({ accountId: first.accountId, clientId: first.clientId });
      const otherClient = await grant({ accountId: first.accountId });
      const expired = await grant({
        accountId: first.accountId,
        clientId: first.clientId,
        expiresAt: clock.in(-1),
      });
      const { accountId, clientId } = first;
      const revoked = await storage.grants.revokeMatching({ accountId, clientId });
      expect(revoked.toSorted()).toEqual([first.id, second.id].toSorted());
      expect(revoked).not.toContain(expired.id);
      expect(await storage.grants.find(otherClient.id)).toBeDefined();
      expect(await storage.grants.revokeMatching({ accountId })).toEqual([otherClient.id]);
    });

    test('revokeMatching without a field is refused', async () => {
      const { storage, grant } = fixture();
      const { id } = await grant();
      await expect(storage.grants.revokeMatching({})).rejects.toThrow(TypeError);
      expect(await storage.grants.find(id)).toBeDefined();
    });

    test('a purge deletes those whose expiry was before, revoked or not, with their refresh tokens alone', async () => {
      const { storage, grant, account, client, clock } = fixture();
      const { grants, refreshTokens } = storage;
      const parties = { accountId: (await account()).id, clientId: (await client()).id };
      const over = await grant({ ...parties, expiresAt: clock.in(60) });
      const revoked = await grant({ ...parties, expiresAt: clock.in(60) });
      const live = await grant({ ...parties, expiresAt: clock.in(61) });
      const put = ({ id }: typeof over) =>
        refreshTokens.put({ ...parties, value: id, grantId: id, payload: {}, expiresAt: clock.in(90) });
      for (const each of [over, revoked, live]) await put(each);
      await grants.revoke(revoked.id);
      await grants.purge(clock.in(60));
      expect(await refreshTokens.find(over.id)).toBeDefined();
      expect(await grants.purge(clock.in(61))).toBeGreaterThanOrEqual(2);
      expect(await grants.purge(clock.in(61))).toBe(0);
      expect(await refreshTokens.find(over.id)).toBeUndefined();
      expect(await refreshTokens.find(live.id)).toBeDefined();
      expect(await grants.find(live.id)).toBeDefined();
      // Unknown by now: what was put again under its id is a new grant.
      expect(await grants.put({ ...revoked, payload: {}, expiresAt: clock.in(60) })).toBe(true);
      expect(await storage.clients.find(parties.clientId)).toBeDefined();
    });

    test('of parallel revocations of one grant, one answers true', async () => {
      const { storage, peer, grant } = fixture();
      const { id } = await grant();
      const answers = await Promise.all([storage, peer, storage, peer].map((each) => each.grants.revoke(id)));
      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    test('a grant of an account that does not exist is a conflict', async () => {
      const { grant } = fixture();
      await expect(grant({ accountId: newId('account') })).rejects.toThrow(ConflictError);
    });
  });
  testConsents(fixture);
}

function testConsents(fixture: () => DurableFixture): void {
  const parties = async ({ account, client }: DurableFixture) => ({
    accountId: (await account()).id,
    clientId: (await client()).id,
  });

  describe('consents', () => {
    test('the last one put for an account, client and organisation is found', async () => {
      const { storage, clock, organization, ...rest } = fixture();
      const { accountId, clientId } = await parties({ storage, clock, organization, ...rest });
      for (const organizationId of [null, (await organization()).id]) {
        const consent = { accountId, clientId, organizationId };
        await storage.grants.putConsent({ ...consent, payload: { at: 1 } });
        clock.advance(1);
        await storage.grants.putConsent({ ...consent, payload: { at: 2, in: organizationId } });
        expect(await storage.grants.findConsent(accountId, clientId, organizationId)).toEqual({
          ...consent,
          payload: { at: 2, in: organizationId },
          updatedAt: clock.now(),
        });
      }
    });

    test('parallel first consents leave one', async () => {
      const { storage, peer, ...rest } = fixture();
      const consent = { ...(await parties({ storage, peer, ...rest })), organizationId: null, payload: {} };
      await Promise.all([storage, peer, storage, peer].map((each) => each.grants.putConsent(consent)));
      expect(await storage.grants.deleteConsents({ accountId: consent.accountId })).toBe(1);
    });

    test('deleteConsents forgets every match and answers how many', async () => {
      const all = fixture();
      const { accountId, clientId } = await parties(all);
      const other = await all.client();
      const { grants } = all.storage;
      await grants.putConsent({ accountId, clientId, organizationId: null, payload: {} });
      await grants.putConsent({ accountId, clientId: other.id, organizationId: null, payload: {} });
      expect(await grants.deleteConsents({ accountId, clientId })).toBe(1);
      expect(await grants.findConsent(accountId, clientId, null)).toBeUndefined();
      expect(await grants.findConsent(accountId, other.id, null)).toBeDefined();
      await expect(grants.deleteConsents({})).rejects.toThrow(TypeError);
    });
  });
}
