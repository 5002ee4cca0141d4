import {
  createAccount,
  type Operator,
  putMember,
  setAccountPassword,
  updateAccount,
} from '@latchkey/registry';
import { type Account, verifyPassword } from '@latchkey/storage';
import type { DeclaredUser } from './declaration.ts';
import { type Step, unchanged } from './step.ts';

type Seat = DeclaredUser['organizations'][number];

export async function planUser(operator: Operator, declared: DeclaredUser): Promise<Step> {
  const { id, email, organizations: seats } = declared;
  const { accounts } = operator.durable;
  const stored = id === undefined ? await accounts.findByEmail(email) : await accounts.find(id);
  if (!stored) {
    const run = async () => {
      const account = await createAccount(operator, declared);
      await putSeats(operator, account.id, seats);
      return [];
    };
    return { action: 'create', kind: 'user', name: email, changes: seats.map(describeSeat), run };
  }
  return planUpdate(operator, declared, stored);
}

async function planUpdate(operator: Operator, declared: DeclaredUser, stored: Account): Promise<Step> {
  const fields = changedFields(declared, stored);
  const newPassword = await changedPassword(declared, stored);
  const seats = await missingSeats(operator, declared, stored);
  const changes = [
    ...Object.keys(fields).map((name) => (name === 'emailVerified' ? 'email_verified' : name)),
    ...(newPassword === undefined ? [] : ['password']),
    ...seats.map(describeSeat),
  ];
  if (changes.length === 0) return unchanged('user', declared.email);
  const run = async () => {
    if (Object.keys(fields).length > 0) await updateAccount(operator, stored.id, fields);
    if (newPassword !== undefined) await setAccountPassword(operator, stored.id, newPassword);
    await putSeats(operator, stored.id, seats);
    return [];
  };
  return { action: 'update', kind: 'user', name: declared.email, changes, run };
}

function changedFields(declared: DeclaredUser, stored: Account): Parameters<typeof updateAccount>[2] {
  const { email, name, email_verified: emailVerified } = declared;
  return {
    ...(email !== stored.email && { email }),
    ...(name !== stored.name && { name }),
    ...(emailVerified !== undefined && emailVerified !== stored.emailVerified && { emailVerified }),
  };
}

async function changedPassword({ password }: DeclaredUser, stored: Account): Promise<string | undefined> {
  if (password === undefined) return undefined;
  const same = stored.passwordDigest !== null && (await verifyPassword(stored.passwordDigest, password));
  return same ? undefined : password;
}

async function missingSeats(operator: Operator, declared: DeclaredUser, stored: Account): Promise<Seat[]> {
  const missing: Seat[] = [];
  for (const seat of declared.organizations) {
    // Not `findMembership`, which does not see seats in a disabled organisation.
    const members = await operator.durable.organizations.listMembers(seat.organization);
    const held = members.find(({ accountId }) => accountId === stored.id);
    if (held?.role !== seat.role) missing.push(seat);
  }
  return missing;
}

async function putSeats(operator: Operator, accountId: string, seats: Seat[]): Promise<void> {
  for (const { organization, role } of seats) {
    await putMember(operator, { organizationId: organization, accountId, role });
  }
}

function describeSeat({ organization, role }: Seat): string {
  return `${role} in ${organization}`;
}
