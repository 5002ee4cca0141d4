import { newId } from '@latchkey/protocol';
import type { Client, Organization, OrganizationSettings } from '@latchkey/storage';
import { NotFoundError } from './faults.ts';
import type { OrganizationChanges, OrganizationInput } from './inputs.ts';
import { inTransaction, type Operator, recordChange } from './operator.ts';
import { inRevokingTransaction, type Revoke } from './revoke.ts';

export type OrganizationFields = Pick<Organization, 'name' | 'plan'> & OrganizationSettings;

/** As the wire and the audit log call them. */
const WIRE_NAMES: Record<keyof OrganizationFields, string> = {
  name: 'name',
  plan: 'plan',
  rateLimit: 'rate_limit',
  ipAllowlist: 'ip_allowlist',
  leakedKeyPolicy: 'leaked_key_policy',
};

/** What the input names, in the words of the record. */
export function toOrganizationFields(input: OrganizationChanges): Partial<OrganizationFields> {
  const { name, plan, rate_limit: rateLimit, ip_allowlist, leaked_key_policy } = input;
  return {
    ...(name !== undefined && { name }),
    ...(plan !== undefined && { plan }),
    ...(rateLimit !== undefined && { rateLimit }),
    ...(ip_allowlist !== undefined && { ipAllowlist: ip_allowlist }),
    ...(leaked_key_policy !== undefined && { leakedKeyPolicy: leaked_key_policy }),
  };
}

/** Names of what would differ, as the input calls it. */
export function changedOrganizationFields(record: Organization, input: OrganizationChanges): string[] {
  const fields = toOrganizationFields(input);
  return (Object.keys(fields) as (keyof OrganizationFields)[])
    .filter((name) => JSON.stringify(fields[name]) !== JSON.stringify(record[name]))
    .map((name) => WIRE_NAMES[name]);
}

export async function createOrganization(
  operator: Operator,
  input: OrganizationInput,
): Promise<Organization> {
  const { id = newId('organization'), name, plan } = input;
  const fields = { ...toOrganizationFields(input), name, plan };
  return inTransaction(operator, async (within) => {
    const organization = await within.durable.organizations.create({ id, ...fields });
    await within.announce({ type: 'organization', id });
    await recordOrganizationChange(within, 'organization.created', id);
    return organization;
  });
}

export async function getOrganization({ durable }: Operator, id: string): Promise<Organization> {
  const organization = await durable.organizations.find(id);
  if (!organization) throw new NotFoundError('organisation', id);
  return organization;
}

export function updateOrganization(
  operator: Operator,
  id: string,
  changes: OrganizationChanges,
): Promise<Organization> {
  return inTransaction(operator, async (within) => {
    const changed = changedOrganizationFields(await getOrganization(within, id), changes);
    await within.durable.organizations.update(id, toOrganizationFields(changes));
    await within.announce({ type: 'organization', id });
    await recordOrganizationChange(within, 'organization.updated', id, { changed });
    return getOrganization(within, id);
  });
}

/**
 * Nobody acts for it any more; everything issued in its name ends, and all that its clients hold, which may be for
 * people of other organisations. Clients and API keys are not announced one by one: whoever takes one looks at its
 * organisation as well.
 */
export function disableOrganization(operator: Operator, id: string): Promise<Organization> {
  return inRevokingTransaction(operator, async (within, revoke) => {
    const { disabledAt } = await getOrganization(within, id);
    if (!disabledAt) await within.durable.organizations.update(id, { disabledAt: within.now() });
    await within.announce({ type: 'organization', id });
    await recordOrganizationChange(within, 'organization.disabled', id);
    await revokeOrganization(revoke, id, await within.durable.clients.list({ organizationId: id }));
    return getOrganization(within, id);
  });
}

export function enableOrganization(operator: Operator, id: string): Promise<Organization> {
  return inTransaction(operator, async (within) => {
    await getOrganization(within, id);
    await within.durable.organizations.update(id, { disabledAt: null });
    await within.announce({ type: 'organization', id });
    await recordOrganizationChange(within, 'organization.enabled', id);
    return getOrganization(within, id);
  });
}

/** Disables it, then deletes it with its members, clients, API keys and data. */
export async function deleteOrganization(operator: Operator, id: string): Promise<void> {
  await disableOrganization(operator, id);
  // Before the rest and bit by bit: the rest is one statement, in which a large organisation would never end.
  await operator.durable.organizations.deleteData(id);
  await inRevokingTransaction(operator, async (within, revoke) => {
    const clients = await within.durable.clients.list({ organizationId: id });
    await within.durable.organizations.delete(id);
    await within.announce({ type: 'organization', id });
    for (const client of clients) await within.announce({ type: 'client', id: client.id });
    await recordOrganizationChange(within, 'organization.deleted', id);
    // Once more: it may have been enabled meanwhile.
    await revokeOrganization(revoke, id, clients);
  });
}

async function revokeOrganization(revoke: Revoke, id: string, clients: Client[]): Promise<void> {
  await revoke({ subject: 'organization', id }, { organizationId: id });
  for (const client of clients) {
    await revoke({ subject: 'client', id: client.id }, { clientId: client.id });
  }
}

function recordOrganizationChange(
  operator: Operator,
  action: string,
  id: string,
  details: Record<string, unknown> = {},
): Promise<void> {
  return recordChange(operator, action, { type: 'organization', id }, { organizationId: id, details });
}
