import type { Membership, Organizations } from '../organizations.ts';
import type { PostgresContext } from './database.ts';

const COLUMNS = ['id', 'name', 'plan', 'createdAt', 'disabledAt'] as const;
const MEMBER_COLUMNS = ['organizationId', 'accountId', 'role', 'createdAt'] as const;

export function createPostgresOrganizations(context: PostgresContext): Organizations {
  const { db, now } = context;
  return {
    create: (organization) =>
      db
        .insertInto('organizations')
        .values({ ...organization, createdAt: now(), disabledAt: null })
        .returning(COLUMNS)
        .executeTakeFirstOrThrow(),
    find: (id) => db.selectFrom('organizations').select(COLUMNS).where('id', '=', id).executeTakeFirst(),
    list: () => db.selectFrom('organizations').select(COLUMNS).orderBy('createdAt').orderBy('id').execute(),
    update: (id, changes) =>
      db
        .updateTable('organizations')
        .set({ id, ...changes })
        .where('id', '=', id)
        .returning(COLUMNS)
        .executeTakeFirst(),
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

type Members = Pick<
  Organizations,
  'putMember' | 'removeMember' | 'listMembers' | 'listMemberships' | 'findMembership'
>;

function createMembers({ db, now }: PostgresContext): Members {
  const memberships = () =>
    db
      .selectFrom('members')
      .innerJoin('organizations', 'organizations.id', 'members.organizationId')
      .where('organizations.disabledAt', 'is', null)
      .select([
        'members.organizationId',
        'members.accountId',
        'members.role',
        'members.createdAt',
        'organizations.name',
        'organizations.plan',
        'organizations.createdAt as organizationCreatedAt',
      ]);
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
    async listMemberships(accountId) {
      const rows = await memberships()
        .where('members.accountId', '=', accountId)
        .orderBy('members.createdAt')
        .orderBy('members.organizationId')
        .execute();
      return rows.map(toMembership);
    },
    async findMembership(organizationId, accountId) {
      const row = await memberships()
        .where('members.organizationId', '=', organizationId)
        .where('members.accountId', '=', accountId)
        .executeTakeFirst();
      return row && toMembership(row);
    },
  };
}

interface MembershipRow extends Omit<Membership, 'organization'> {
  name: string;
  plan: Membership['organization']['plan'];
  organizationCreatedAt: Date;
}

function toMembership({ name, plan, organizationCreatedAt, ...member }: MembershipRow): Membership {
  const organization = {
    id: member.organizationId,
    name,
    plan,
    createdAt: organizationCreatedAt,
    disabledAt: null,
  };
  return { ...member, organization };
}
