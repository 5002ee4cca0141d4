import { newId, randomBase62 } from '@latchkey/protocol';
import { type Account, hashPassword } from '@latchkey/storage';
import { NotFoundError } from './faults.ts';
import type { AccountInput } from './inputs.ts';
import { inTransaction, type Operator, recordChange } from './operator.ts';
import { inRevokingTransaction, type Revoke } from './revoke.ts';

/** 119 bits, for a password that no person thought of. */
export function generatePassword(): string {
  return randomBase62(20);
}

export async function createAccount(operator: Operator, input: AccountInput): Promise<Account> {
  const { id = newId('account'), email, name, email_verified: emailVerified = false, password } = input;
  const passwordDigest = password === undefined ? null : await hashPassword(password);
  return inTransaction(operator, async (within) => {
    const account = await within.durable.accounts.create({ id, email, name, emailVerified, passwordDigest });
    await recordChange(within, 'account.created', { type: 'account', id });
    return account;
  });
}

export async function getAccount({ durable }: Operator, id: string): Promise<Account> {
  const account = await durable.accounts.find(id);
  if (!account) throw new NotFoundError('user', id);
  return account;
}

/** By id or e-mail address, as an operator names people. */
export async function findAccountByName({ durable }: Operator, name: string): Promise<Account> {
  const account = name.includes('@')
    ? await durable.accounts.findByEmail(name)
    : await durable.accounts.find(name);
  if (!account) throw new NotFoundError('user', name);
  return account;
}

export function updateAccount(
  operator: Operator,
  id: string,
  changes: Partial<Pick<Account, 'email' | 'emailVerified' | 'name'>>,
): Promise<Account> {
  return inTransaction(operator, async (within) => {
    await getAccount(within, id);
    await within.durable.accounts.update(id, changes);
    const details = { changed: Object.keys(changes) };
    await recordChange(within, 'account.updated', { type: 'account', id }, { details });
    return getAccount(within, id);
  });
}

/** Whoever knew the old password may be signed in by it, and hold tokens: both end. */
export async function setAccountPassword(operator: Operator, id: string, password: string): Promise<void> {
  await getAccount(operator, id);
  const passwordDigest = await hashPassword(password);
  await inRevokingTransaction(operator, async (within, revoke) => {
    await within.durable.accounts.update(id, { passwordDigest });
    await within.durable.accounts.endSignIns(id);
    await recordChange(within, 'account.password_set', { type: 'account', id });
    await revokeAccount(revoke, id);
  });
}

export function disableAccount(operator: Operator, id: string): Promise<Account> {
  return inRevokingTransaction(operator, async (within, revoke) => {
    const { disabledAt } = await getAccount(within, id);
    if (!disabledAt) await within.durable.accounts.update(id, { disabledAt: within.now() });
    // Enabled again, nobody is signed in still.
    await within.durable.accounts.endSignIns(id);
    await recordChange(within, 'account.disabled', { type: 'account', id });
    await revokeAccount(revoke, id);
    return getAccount(within, id);
  });
}

export function enableAccount(operator: Operator, id: string): Promise<Account> {
  return inTransaction(operator, async (within) => {
    await getAccount(within, id);
    await within.durable.accounts.update(id, { disabledAt: null });
    await recordChange(within, 'account.enabled', { type: 'account', id });
    return getAccount(within, id);
  });
}

/** Disables the account, then deletes it with its seats, grants and refresh tokens. */
export async function deleteAccount(operator: Operator, id: string): Promise<void> {
  await disableAccount(operator, id);
  await inRevokingTransaction(operator, async (within, revoke) => {
    await within.durable.accounts.delete(id);
    await recordChange(within, 'account.deleted', { type: 'account', id });
    // Once more: it may have been enabled meanwhile.
    await revokeAccount(revoke, id);
  });
}

function revokeAccount(revoke: Revoke, id: string): Promise<void> {
  return revoke({ subject: 'account', id }, { accountId: id });
}
