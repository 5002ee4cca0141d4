import { newId, randomBase62 } from '@latchkey/protocol';
import { type Account, hashPassword } from '@latchkey/storage';
import { NotFoundError } from './faults.ts';
import type { AccountInput } from './inputs.ts';
import { type Operator, recordChange } from './operator.ts';
import { revokeAuthority } from './revoke.ts';

/** 119 bits, for a password that no person thought of. */
export function generatePassword(): string {
  return randomBase62(20);
}

export async function createAccount(operator: Operator, input: AccountInput): Promise<Account> {
  const { id = newId('account'), email, name, email_verified: emailVerified = false, password } = input;
  const passwordDigest = password === undefined ? null : await hashPassword(password);
  const account = await operator.durable.accounts.create({ id, email, name, emailVerified, passwordDigest });
  await recordChange(operator, 'account.created', { type: 'account', id });
  return account;
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

export async function updateAccount(
  operator: Operator,
  id: string,
  changes: Partial<Pick<Account, 'email' | 'emailVerified' | 'name'>>,
): Promise<Account> {
  await getAccount(operator, id);
  await operator.durable.accounts.update(id, changes);
  await recordChange(
    operator,
    'account.updated',
    { type: 'account', id },
    { details: { changed: Object.keys(changes) } },
  );
  return getAccount(operator, id);
}

/** Whoever knew the old password may hold tokens by it: they end. */
export async function setAccountPassword(operator: Operator, id: string, password: string): Promise<void> {
  await getAccount(operator, id);
  await operator.durable.accounts.update(id, { passwordDigest: await hashPassword(password) });
  await revokeAccount(operator, id);
  await recordChange(operator, 'account.password_set', { type: 'account', id });
}

export async function disableAccount(operator: Operator, id: string): Promise<Account> {
  await suspend(operator, id);
  await recordChange(operator, 'account.disabled', { type: 'account', id });
  return getAccount(operator, id);
}

export async function enableAccount(operator: Operator, id: string): Promise<Account> {
  await getAccount(operator, id);
  await operator.durable.accounts.update(id, { disabledAt: null });
  await recordChange(operator, 'account.enabled', { type: 'account', id });
  return getAccount(operator, id);
}

/** Deletes the account with its seats, grants and refresh tokens. */
export async function deleteAccount(operator: Operator, id: string): Promise<void> {
  await suspend(operator, id);
  await operator.durable.accounts.delete(id);
  await recordChange(operator, 'account.deleted', { type: 'account', id });
}

async function suspend(operator: Operator, id: string): Promise<void> {
  const { disabledAt } = await getAccount(operator, id);
  if (!disabledAt) await operator.durable.accounts.update(id, { disabledAt: operator.now() });
  await revokeAccount(operator, id);
}

function revokeAccount(operator: Operator, id: string): Promise<void> {
  return revokeAuthority(operator, { subject: 'account', id }, { accountId: id });
}
