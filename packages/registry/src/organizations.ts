import { newId } from '@latchkey/protocol';
import type { Organization, OrganizationSettings } from '@latchkey/storage';
import { NotFoundError } from './faults.ts';
import type { OrganizationChanges, OrganizationInput } from './inputs.ts';
import { type Operator, recordChange } from './operator.ts';
import { revokeAuthority } from './revoke.ts';

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
  const organization = await operator.durable.organizations.create({ id, ...fields });
  await operator.announce({ type: 'organization', id });
  await recordChange(operator, 'organization.created', { type: 'organization', id }, { organizationId: id });
  return organization;
}

export async function getOrganization({ durable }: Operator, id: string): Promise<Organization> {
  const organization = await durable.organizations.find(id);
  if (!organization) throw new NotFoundError('organisation', id);
  return organization;
}

export async function updateOrganization(
  operator: Operator,
  id: string,
  changes: OrganizationChanges,
): Promise<Organization> {
  const changed = changedOrganizationFields(await getOrganization(operator, id), changes);
  await operator.durable.organizations.update(id, toOrganizationFields(changes));
  await operator.announce({ type: 'organization', id });
  const target = { type: 'organization', id };
  await recordChange(operator, 'organization.updated', target, { organizationId: id, details: { changed } });
  return getOrganization(operator, id);
}

/** Nobody acts for it any more; everything issued in its name ends. */
export async function disableOrganization(operator: Operator, id: string): Promise<Organization> {
  await suspend(operator, id);
  await recordChange(operator, 'organization.disabled', { type: 'organization', id }, { organizationId: id });
  return getOrganization(operator, id);
}

export async function enableOrganization(operator: Operator, id: string): Promise<Organization> {
  await getOrganization(operator, id);
  await operator.durable.organizations.update(id, { disabledAt: null });
  await announceOrganization(operator, id);
  await recordChange(operator, 'organization.enabled', { type: 'organization', id }, { organizationId: id });
  return getOrganization(operator, id);
}

/** Deletes it with its members, clients, API keys and data. */
export async function deleteOrganization(operator: Operator, id: string): Promise<void> {
  const clients = await operator.durable.clients.list({ organizationId: id });
  // First nothing new can be issued, then what was issued ends, and only then the rows that name it go.
  await suspend(operator, id);
  for (const client of clients) {
    await revokeAuthority(operator, { subject: 'client', id: client.id }, { clientId: client.id });
  }
  await operator.durable.organizations.delete(id);
  await operator.announce({ type: 'organization', id });
  for (const client of clients) await operator.announce({ type: 'client', id: client.id });
  await recordChange(operator, 'organization.deleted', { type: 'organization', id }, { organizationId: id });
}

async function suspend(operator: Operator, id: string): Promise<void> {
  const { disabledAt } = await getOrganization(operator, id);
  if (!disabledAt) await operator.durable.organizations.update(id, { disabledAt: operator.now() });
  await announceOrganization(operator, id);
  await revokeAuthority(operator, { subject: 'organization', id }, { organizationId: id });
}

/** Its API keys are not named one by one: whoever takes a key looks at its organisation as well. */
async function announceOrganization({ durable, announce }: Operator, id: string): Promise<void> {
  await announce({ type: 'organization', id });
  for (const client of await durable.clients.list({ organizationId: id })) {
    await announce({ type: 'client', id: client.id });
  }
}
