import { newId } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import { ConflictError } from '../errors.ts';
import type { OrganizationSettings } from '../organizations.ts';
import type { DurableStorage } from '../storage.ts';
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

    test("deleting its data leaves the organisation itself, and others' data", async () => {
      const { storage, organization, client, grant, clock } = fixture();
      const [mine, other] = [await organization(), await organization()];
      const owned = await client(mine.id);
      const grants = [await grant({ organizationId: mine.id }), await grant({ organizationId: other.id })];
      for (const { id } of [mine, other]) await addData(storage, id, clock.now());
      await storage.organizations.deleteData(mine.id);
      expect(await countData(storage, mine.id, clock.now())).toEqual({
        workOrders: 0,
        items: 0,
        requests: 0,
      });
      expect(await countData(storage, other.id, clock.now())).toEqual({
        workOrders: 1,
        items: 1,
        requests: 1,
      });
      const found = await Promise.all(grants.map(({ id }) => storage.grants.find(id)));
      expect(found.map((one) => one?.id)).toEqual([undefined, grants[1]?.id]);
      expect(await storage.organizations.find(mine.id)).toEqual(mine);
      expect(await storage.clients.find(owned.id)).toEqual(owned);
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

async function addData(storage: DurableStorage, organizationId: string, minute: Date): Promise<void> {
  const tenant = { organizationId, environment: 'live' } as const;
  const { workOrders, inventoryItems, inventoryAdjustments } = storage.manufacturing;
  const order = { number: '1', product: 'A', quantity: 1, status: 'planned', priority: 'low' } as const;
  await workOrders.create(tenant, { ...order, dueAt: null, notes: null });
  const item = { sku: 'A', name: 'A', unit: 'each', location: null, reorderPoint: null };
  const { id: itemId } = await inventoryItems.create(tenant, item);
  const adjustment = { itemId, quantity: 1, reason: 'count', reference: null, notes: null } as const;
  await inventoryAdjustments.create(tenant, adjustment);
  const credential = { credentialType: 'api_key', credentialId: 'key_1' } as const;
  await storage.usage.add([
    { ...tenant, ...credential, minute, route: 'GET /', statusClass: 2, requests: 1 },
  ]);
}

async function countData(storage: DurableStorage, organizationId: string, minute: Date) {
  const tenant = { organizationId, environment: 'live' } as const;
  const to = new Date(minute.getTime() + 1);
  const rows = await storage.usage.list({ ...tenant, from: minute, to, interval: 'day', limit: 9 });
  return {
    workOrders: (await storage.manufacturing.workOrders.list(tenant, { limit: 9 })).length,
    items: (await storage.manufacturing.inventoryItems.list(tenant, { limit: 9 })).length,
    requests: rows.reduce((sum, { requests }) => sum + requests, 0),
  };
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
