import { sql } from 'kysely';
import type { Membership, Organization, OrganizationSettings, Organizations } from '../organizations.ts';
import type { PostgresContext } from './database.ts';
import { deleteInBatches } from './purge.ts';
import { isStorable } from './text.ts';

const COLUMNS = [
  'id',
  'name',
  'plan',
  'rateLimit',
  'ipAllowlist',
  'leakedKeyPolicy',
  'createdAt',
  'updatedAt',
  'disabledAt',
] as const;
const MEMBER_COLUMNS = ['organizationId', 'accountId', 'role', 'createdAt'] as const;

/** What an organisation may have without bound. Rows that go with others of the list come before those. */
const DATA = [
  'usage',
  'operations',
  'inspections',
  'workOrders',
  'inventoryAdjustments',
  'inventoryItems',
  'consents',
  'grants',
] as const;

export function createPostgresOrganizations(context: PostgresContext): Organizations {
  const { db, now } = context;
  return {
    create: (organization) =>
      db
        .insertInto('organizations')
        .values({ ...toColumns(organization), createdAt: now(), updatedAt: now() })
        .returning(COLUMNS)
        .executeTakeFirstOrThrow(),
    find: async (id) =>
      isStorable(id)
        ? db.selectFrom('organizations').select(COLUMNS).where('id', '=', id).executeTakeFirst()
        : undefined,
    findMany: (ids) =>
      db
        .selectFrom('organizations')
        .select(COLUMNS)
        .where('id', '=', (eb) => eb.fn.any(eb.val(ids.filter(isStorable))))
        .execute(),
    list: () => db.selectFrom('organizations').select(COLUMNS).orderBy('createdAt').orderBy('id').execute(),
    listChangedSince: (since) =>
      db
        .selectFrom('organizations')
        .select(COLUMNS)
        .where((eb) => eb.or([eb('updatedAt', '>=', since), eb('disabledAt', '>=', since)]))
        .execute(),
    update: (id, changes) =>
      db
        .updateTable('organizations')
        .set({ ...toColumns(changes), updatedAt: now() })
        .where('id', '=', id)
        .returning(COLUMNS)
        .executeTakeFirst(),
    async deleteData(id) {
      for (const table of DATA) await deleteInBatches(context, table, sql`organization_id = ${id}`);
    },
    async delete(id) {
      const { numDeletedRows } = await db
        .deleteFrom('organizations')
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
    ...createMembers(context),
  };
}

function toColumns<T extends Partial<OrganizationSettings>>({ ipAllowlist, ...columns }: T) {
  return { ...columns, ...(ipAllowlist && { ipAllowlist: JSON.stringify(ipAllowlist) }) };
}

type Members = Pick<
  Organizations,
  'putMember' | 'removeMember' | 'listMembers' | 'listMemberships' | 'findMembership'
>;

/** Seats in organisations that are not disabled. */
const MEMBERSHIPS = `
  select members.organization_id, members.account_id, members.role, members.created_at,
    organizations.name, organizations.plan, organizations.rate_limit, organizations.ip_allowlist,
    organizations.leaked_key_policy, organizations.created_at as organization_created_at,
    organizations.updated_at
  from members join organizations on organizations.id = members.organization_id
  where organizations.disabled_at is null and members.account_id = $1`;
const LIST_MEMBERSHIPS = `${MEMBERSHIPS} order by members.created_at, members.organization_id`;
const FIND_MEMBERSHIP = `${MEMBERSHIPS} and members.organization_id = $2`;

function createMembers({ db, now, query }: PostgresContext): Members {
  return {
    putMember: (member) =>
      db
        .insertInto('members')
        .values({ ...member, createdAt: now() })
        .onConflict((conflict) =>
          conflict.columns(['organizationId', 'accountId']).doUpdateSet({ role: member.role }),
        )
        .returning(MEMBER_COLUMNS)
        .executeTakeFirstOrThrow(),
    async removeMember(organizationId, accountId) {
      const { numDeletedRows } = await db
        .deleteFrom('members')
        .where('organizationId', '=', organizationId)
        .where('accountId', '=', accountId)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
    listMembers: (organizationId) =>
      db
        .selectFrom('members')
        .select(MEMBER_COLUMNS)
        .where('organizationId', '=', organizationId)
        .orderBy('createdAt')
        .orderBy('accountId')
        .execute(),
    listMemberships: async (accountId) =>
      (await query<MembershipRow>(LIST_MEMBERSHIPS, [accountId])).map(toMembership),
    async findMembership(organizationId, accountId) {
      if (!isStorable(organizationId)) return undefined;
      const [row] = await query<MembershipRow>(FIND_MEMBERSHIP, [accountId, organizationId]);
      return row && toMembership(row);
    },
  };
}

type MembershipRow = Omit<Membership, 'organization'> &
  Omit<Organization, 'id' | 'createdAt' | 'disabledAt'> & { organizationCreatedAt: Date };

function toMembership(row: MembershipRow): Membership {
  const { organizationId, accountId, role, createdAt, organizationCreatedAt, ...settings } = row;
  const organization = {
    id: organizationId,
    ...settings,
    createdAt: organizationCreatedAt,
    disabledAt: null,
  };
  return { organizationId, accountId, role, createdAt, organization };
}
