import { newId } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import { ConflictError } from '../errors.ts';
import type { OrganizationSettings } from '../organizations.ts';
import type { DurableFixture } from './durable.ts';

const SETTINGS: OrganizationSettings = {
  rateLimit: 2_000_000,
  ipAllowlist: ['192.0.2.0/24', '2001:db8::1'],
  leakedKeyPolicy: 'notify',
};

export function testOrganizations(fixture: () => DurableFixture): void {
  describe('organizations', () => {
    test('one that was created is found as it was made', async () => {
      const { storage, clock } = fixture();
      const id = newId('organization');
      const made = await storage.organizations.create({ id, name: 'Acme', plan: 'professional' });
      expect(made).toEqual({
        id,
        name: 'Acme',
        plan: 'professional',
        rateLimit: null,
        ipAllowlist: [],
        leakedKeyPolicy: 'revoke',
        createdAt: clock.now(),
        updatedAt: clock.now(),
        disabledAt: null,
      });
      expect(await storage.organizations.find(id)).toEqual(made);
      expect(await storage.organizations.find(newId('organization'))).toBeUndefined();
      expect(await storage.organizations.find('org_\0')).toBeUndefined();
      expect(await storage.organizations.findMembership('org_\0', newId('account'))).toBeUndefined();
    });

    test('a taken id is a conflict', async () => {
      const { storage, organization } = fixture();
      const { id } = await organization();
      await expect(storage.organizations.create({ id, name: 'B', plan: 'free' })).rejects.toThrow(
        ConflictError,
      );
    });

    test('findMany answers those of the ids that exist', async () => {
      const { storage, organization } = fixture();
      const [first, second] = [await organization(), await organization()];
      await organization();
      const asked = [second.id, newId('organization'), 'org_\0', first.id, first.id];
      const found = await storage.organizations.findMany(asked);
      expect(found).toHaveLength(2);
      expect(found).toEqual(expect.arrayContaining([first, second]));
      expect(await storage.organizations.findMany([])).toEqual([]);
    });

    test('the list has every organisation, oldest first', async () => {
      const { storage, organization, clock } = fixture();
      const ids: string[] = [];
      for (const _ of [1, 2, 3]) {
        ids.push((await organization()).id);
        clock.advance(1);
      }
      const listed = (await storage.organizations.list()).map(({ id }) => id);
      expect(listed.filter((id) => ids.includes(id))).toEqual(ids);
    });

    test('settings that are given are kept', async () => {
      const { storage } = fixture();
      const id = newId('organization');
      const made = await storage.organizations.create({ id, name: 'Acme', plan: 'enterprise', ...SETTINGS });
      expect(made).toMatchObject(SETTINGS);
      expect(await storage.organizations.find(id)).toEqual(made);
    });

    test('an update changes the named fields and updatedAt alone', async () => {
      const { storage, organization, clock } = fixture();
      const before = await organization();
      clock.advance(5);
      const changed = await storage.organizations.update(before.id, { plan: 'enterprise', ...SETTINGS });
      expect(changed).toEqual({ ...before, plan: 'enterprise', ...SETTINGS, updatedAt: clock.now() });
      const disabled = await storage.organizations.update(before.id, { disabledAt: clock.now() });
      expect(disabled).toEqual({ ...changed, disabledAt: clock.now() });
      expect(await storage.organizations.update(newId('organization'), { name: 'x' })).toBeUndefined();
      expect(await storage.organizations.update(before.id, {})).toEqual(disabled);
      const unset = { rateLimit: null, ipAllowlist: [] };
      expect(await storage.organizations.update(before.id, unset)).toEqual({ ...disabled, ...unset });
    });

    test('those changed at an instant or after are told, disabled ones among them', async () => {
      const { storage, organization, clock } = fixture();
      const [_old, renamed, disabled] = [await organization(), await organization(), await organization()];
      clock.advance(10);
      const since = clock.now();
      await storage.organizations.update(renamed.id, { name: 'x' });
      clock.advance(1);
      const last = await storage.organizations.update(disabled.id, { disabledAt: clock.now() });
      const changed = await storage.organizations.listChangedSince(since);
      expect(changed.map(({ id }) => id).toSorted()).toEqual([renamed.id, disabled.id].toSorted());
      expect(await storage.organizations.listChangedSince(clock.now())).toEqual([last]);
    });

    test('a delete takes the members and clients with it', async () => {
      const { storage, organization, account, client } = fixture();
      const { id } = await organization();
      const member = await account();
      const owned = await client(id);
      await storage.organizations.putMember({ organizationId: id, accountId: member.id, role: 'owner' });
      expect(await storage.organizations.delete(id)).toBe(true);
      expect(await storage.organizations.delete(id)).toBe(false);
      expect(await storage.organizations.listMembers(id)).toEqual([]);
      expect(await storage.clients.find(owned.id)).toBeUndefined();
      expect(await storage.accounts.find(member.id)).toEqual(member);
    });
  });
  testMembers(fixture);
}

function testMembers(fixture: () => DurableFixture): void {
  describe('members', () => {
    test('putting a member gives the role, whether or not there was another', async () => {
      const { storage, organization, account } = fixture();
      const seat = { organizationId: (await organization()).id, accountId: (await account()).id };
      const first = await storage.organizations.putMember({ ...seat, role: 'viewer' });
      const second = await storage.organizations.putMember({ ...seat, role: 'admin' });
      expect(second).toEqual({ ...first, role: 'admin' });
      expect(await storage.organizations.listMembers(seat.organizationId)).toEqual([second]);
    });

    test('a membership is found with its organisation', async () => {
      const { storage, organization, account } = fixture();
      const { id } = await organization();
      const acme = await storage.organizations.update(id, SETTINGS);
      const { id: accountId } = await account();
      const seat = await storage.organizations.putMember({
        organizationId: id,
        accountId,
        role: 'developer',
      });
      const membership = { ...seat, organization: acme };
      expect(await storage.organizations.findMembership(id, accountId)).toEqual(membership);
      expect(await storage.organizations.listMemberships(accountId)).toEqual([membership]);
      expect(
        await storage.organizations.findMembership((await organization()).id, accountId),
      ).toBeUndefined();
    });

    test('memberships come oldest first, without those in disabled organisations', async () => {
      const { storage, organization, account, clock } = fixture();
      const { id: accountId } = await account();
      const seats: string[] = [];
      for (const _ of [1, 2, 3]) {
        const { id: organizationId } = await organization();
        await storage.organizations.putMember({ organizationId, accountId, role: 'viewer' });
        seats.push(organizationId);
        clock.advance(1);
      }
      const [first = '', disabled = '', last = ''] = seats;
      await storage.organizations.update(disabled, { disabledAt: clock.now() });
      const memberships = await storage.organizations.listMemberships(accountId);
      expect(memberships.map(({ organizationId }) => organizationId)).toEqual([first, last]);
      expect(await storage.organizations.findMembership(disabled, accountId)).toBeUndefined();
    });

    test('a member who was removed has no seat', async () => {
      const { storage, organization, account } = fixture();
      const seat = { organizationId: (await organization()).id, accountId: (await account()).id };
      await storage.organizations.putMember({ ...seat, role: 'viewer' });
      expect(await storage.organizations.removeMember(seat.organizationId, seat.accountId)).toBe(true);
      expect(await storage.organizations.removeMember(seat.organizationId, seat.accountId)).toBe(false);
      expect(await storage.organizations.findMembership(seat.organizationId, seat.accountId)).toBeUndefined();
    });
  });
}
