import { newId } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import { ConflictError } from '../errors.ts';
import type { DurableFixture } from './durable.ts';

export function testAccounts(fixture: () => DurableFixture): void {
  describe('accounts', () => {
    test('one that was created is found by id, and by e-mail address in any case', async () => {
      const { storage, clock } = fixture();
      const id = newId('account');
      const email = `Ada.${id}@Example.com`;
      const made = await storage.accounts.create({ id, email, name: 'Ada', passwordDigest: '$argon2id$x' });
      expect(made).toEqual({
        id,
        email,
        emailVerified: false,
        name: 'Ada',
        passwordDigest: '$argon2id$x',
        signInGeneration: 0,
        createdAt: clock.now(),
        updatedAt: clock.now(),
        disabledAt: null,
      });
      expect(await storage.accounts.find(id)).toEqual(made);
      expect(await storage.accounts.findByEmail(email.toUpperCase())).toEqual(made);
      expect(await storage.accounts.findByEmail('nobody@example.com')).toBeUndefined();
    });

    test('text that cannot be stored is not found, and is no fault', async () => {
      const { storage } = fixture();
      expect(await storage.accounts.find('user_\0')).toBeUndefined();
      expect(await storage.accounts.findByEmail('a\0@example.com')).toBeUndefined();
    });

    test('a taken id, or address in another case, is a conflict', async () => {
      const { storage, account } = fixture();
      const taken = await account();
      const other = { email: 'new@example.com', name: 'x', passwordDigest: null };
      await expect(storage.accounts.create({ ...other, id: taken.id })).rejects.toThrow(ConflictError);
      const shouted = { ...other, id: newId('account'), email: taken.email.toUpperCase() };
      await expect(storage.accounts.create(shouted)).rejects.toThrow(ConflictError);
      const { id } = await account();
      await expect(storage.accounts.update(id, { email: taken.email.toUpperCase() })).rejects.toThrow(
        ConflictError,
      );
    });

    test('of parallel creations with one address, one wins', async () => {
      const { storage, peer } = fixture();
      const email = `${newId('account')}@example.com`;
      const made = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) =>
          (index % 2 ? storage : peer).accounts.create({
            id: newId('account'),
            email,
            name: 'x',
            passwordDigest: null,
          }),
        ),
      );
      expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    test('an update changes the named fields and updatedAt', async () => {
      const { storage, account, clock } = fixture();
      const before = await account();
      clock.advance(5);
      const after = await storage.accounts.update(before.id, { name: 'Grace', emailVerified: true });
      expect(after).toEqual({ ...before, name: 'Grace', emailVerified: true, updatedAt: clock.now() });
      expect(await storage.accounts.find(before.id)).toEqual(after);
      expect(await storage.accounts.update(newId('account'), { name: 'x' })).toBeUndefined();
    });

    test('the list has every account, oldest first', async () => {
      const { storage, account, clock } = fixture();
      const first = await account();
      clock.advance(1);
      const second = await account();
      const ids = (await storage.accounts.list()).map(({ id }) => id);
      expect(ids.slice(-2)).toEqual([first.id, second.id]);
    });

    test('a digest is renewed once, and never one that was replaced meanwhile', async () => {
      const { storage, peer, account } = fixture();
      const { id } = await account();
      await storage.accounts.update(id, { passwordDigest: 'old' });
      const renewed = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          (index % 2 ? storage : peer).accounts.renewPasswordDigest(id, { from: 'old', to: `new ${index}` }),
        ),
      );
      expect(renewed.filter(Boolean)).toHaveLength(1);
      const after = await storage.accounts.find(id);
      expect(after?.passwordDigest).toBe(`new ${renewed.indexOf(true)}`);
      expect(await storage.accounts.renewPasswordDigest(id, { from: 'old', to: 'late' })).toBe(false);
      expect(await storage.accounts.find(id)).toEqual(after);
    });

    test('each end of the sign-ins begins a generation of its own', async () => {
      const { storage, peer, account } = fixture();
      const { id } = await account();
      const bystander = await account();
      await Promise.all(
        Array.from({ length: 8 }, (_, index) => (index % 2 ? storage : peer).accounts.endSignIns(id)),
      );
      expect(await storage.accounts.find(id)).toMatchObject({ signInGeneration: 8 });
      expect(await storage.accounts.find(bystander.id)).toEqual(bystander);
    });

    test('a delete takes seats, grants, consents and refresh tokens with it', async () => {
      const { storage, organization, grant, clock } = fixture();
      const { id: organizationId } = await organization();
      const { id, accountId, clientId } = await grant();
      await storage.organizations.putMember({ organizationId, accountId, role: 'viewer' });
      await storage.grants.putConsent({ accountId, clientId, organizationId: null, payload: {} });
      const token = { grantId: id, accountId, clientId, payload: {}, expiresAt: clock.in(60) };
      await storage.refreshTokens.put({ ...token, value: id });
      expect(await storage.accounts.delete(accountId)).toBe(true);
      expect(await storage.accounts.delete(accountId)).toBe(false);
      expect(await storage.organizations.listMembers(organizationId)).toEqual([]);
      expect(await storage.grants.find(id)).toBeUndefined();
      expect(await storage.grants.findConsent(accountId, clientId, null)).toBeUndefined();
      expect(await storage.refreshTokens.find(id)).toBeUndefined();
    });
  });
}
