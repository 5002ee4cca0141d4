import { ROLES, type Role } from '@latchkey/protocol';
import type { Member } from '@latchkey/storage';
import { getAccount } from './accounts.ts';
import { NotFoundError } from './faults.ts';
import { type Operator, recordChange } from './operator.ts';
import { getOrganization } from './organizations.ts';
import { inRevokingTransaction, type Revoke } from './revoke.ts';

/**
 * Gives the account this role. Unless it is stronger than the one before, what was issued ends; also when it is the
 * same, so that grants which outlived a change that was cut short end when it is made again.
 */
export async function putMember(
  operator: Operator,
  seat: Pick<Member, 'organizationId' | 'accountId' | 'role'>,
): Promise<Member> {
  const { organizationId, accountId, role } = seat;
  await getOrganization(operator, organizationId);
  await getAccount(operator, accountId);
  const members = await operator.durable.organizations.listMembers(organizationId);
  const before = members.find((member) => member.accountId === accountId)?.role;
  return inRevokingTransaction(operator, async (within, revoke) => {
    const put = await within.durable.organizations.putMember(seat);
    const action = before ? 'member.role_changed' : 'member.added';
    const details = { role, ...(before && { before }) };
    await recordChange(within, action, { type: 'account', id: accountId }, { organizationId, details });
    if (before && !isStronger(role, before)) await revokeSeat(revoke, organizationId, accountId);
    return put;
  });
}

export async function removeMember(
  operator: Operator,
  organizationId: string,
  accountId: string,
): Promise<void> {
  const removed = await inRevokingTransaction(operator, async (within, revoke) => {
    const had = await within.durable.organizations.removeMember(organizationId, accountId);
    await within.durable.grants.deleteConsents({ organizationId, accountId });
    const target = { type: 'account', id: accountId };
    if (had) await recordChange(within, 'member.removed', target, { organizationId });
    // Also when there was no seat: a removal that was cut short is finished by making it again.
    await revokeSeat(revoke, organizationId, accountId);
    return had;
  });
  if (!removed) throw new NotFoundError(`member of ${organizationId}`, accountId);
}

function isStronger(role: Role, than: Role): boolean {
  return ROLES.indexOf(role) < ROLES.indexOf(than);
}

function revokeSeat(revoke: Revoke, organizationId: string, accountId: string): Promise<void> {
  return revoke({ subject: 'member', id: `${organizationId}/${accountId}` }, { organizationId, accountId });
}
