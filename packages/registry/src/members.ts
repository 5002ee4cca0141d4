import { ROLES, type Role } from '@latchkey/protocol';
import type { Member } from '@latchkey/storage';
import { getAccount } from './accounts.ts';
import { NotFoundError } from './faults.ts';
import { inTransaction, type Operator, recordChange } from './operator.ts';
import { getOrganization } from './organizations.ts';
import { revokeAuthority } from './revoke.ts';

/**
 * Gives the account this role. Unless it is stronger than the one before, what was issued ends; also when it is the
 * same, so that a change that was cut short can be finished by making it again.
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
  const member = await inTransaction(operator, async (within) => {
    const put = await within.durable.organizations.putMember(seat);
    const action = before ? 'member.role_changed' : 'member.added';
    const details = { role, ...(before && { before }) };
    await recordChange(within, action, { type: 'account', id: accountId }, { organizationId, details });
    return put;
  });
  if (before && !isStronger(role, before)) await revokeSeat(operator, organizationId, accountId);
  return member;
}

export async function removeMember(
  operator: Operator,
  organizationId: string,
  accountId: string,
): Promise<void> {
  const removed = await inTransaction(operator, async (within) => {
    const had = await within.durable.organizations.removeMember(organizationId, accountId);
    await within.durable.grants.deleteConsents({ organizationId, accountId });
    const target = { type: 'account', id: accountId };
    if (had) await recordChange(within, 'member.removed', target, { organizationId });
    return had;
  });
  // Also when there was no seat: a removal that was cut short is finished by making it again.
  await revokeSeat(operator, organizationId, accountId);
  if (!removed) throw new NotFoundError(`member of ${organizationId}`, accountId);
}

function isStronger(role: Role, than: Role): boolean {
  return ROLES.indexOf(role) < ROLES.indexOf(than);
}

function revokeSeat(operator: Operator, organizationId: string, accountId: string): Promise<void> {
  return revokeAuthority(
    operator,
    { subject: 'member', id: `${organizationId}/${accountId}` },
    { organizationId, accountId },
  );
}
