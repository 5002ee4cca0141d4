import { type SelectQueryBuilder, sql } from 'kysely';
import type { Grant, GrantFilter, Grants } from '../grants.ts';
import { type Database, inTransaction, type PostgresContext } from './database.ts';
import { purge } from './purge.ts';
import { isStorable } from './text.ts';

const IS_LIVE = 'revoked_at is null and expires_at > coalesce($2::timestamptz, statement_timestamp())';

const FIND = `
  select id, account_id, client_id, organization_id, payload, created_at, expires_at, revoked_at from grants
  where id = $1 and ${IS_LIVE}`;

const FIND_LIVE = `select id from grants where id = any($1::text[]) and ${IS_LIVE}`;

export function createPostgresGrants(context: PostgresContext): Grants {
  const { db, now, query, testInstant } = context;
  return {
    async put({ payload, ...grant }) {
      const stored = await db
        .insertInto('grants')
        .values({ ...grant, payload: JSON.stringify(payload), createdAt: now(), revokedAt: null })
        .onConflict((conflict) =>
          conflict
            .column('id')
            .doUpdateSet({ payload: JSON.stringify(payload), expiresAt: grant.expiresAt })
            .where('grants.revokedAt', 'is', null),
        )
        .returning('id')
        .executeTakeFirst();
      return stored !== undefined;
    },
    find: async (id) => (isStorable(id) ? (await query<Grant>(FIND, [id, testInstant()]))[0] : undefined),
    async findLive(ids) {
      const rows = await query<{ id: string }>(FIND_LIVE, [ids.filter(isStorable), testInstant()]);
      return rows.map(({ id }) => id);
    },
    async revoke(id) {
      if (!isStorable(id)) return false;
      const revoked = await revokeWhere(context, (grants) => grants.where('id', '=', id));
      return revoked.length > 0;
    },
    revokeMatching: async (filter) =>
      revokeWhere(context, (grants) => grants.where((eb) => eb.and(requireFields(filter)))),
    purge: (before) => purge(context, 'grants', before),
    ...createConsents(context),
  };
}

type GrantsQuery = SelectQueryBuilder<Database, 'grants', { id: string }>;

/**
 * Marks the grants, then deletes their refresh tokens. Two statements, because the second must see a token that
 * was being stored (`RefreshTokens.put` holds its grant's row) while the first waited for the row.
 */
function revokeWhere(
  { db, now }: PostgresContext,
  restrict: (grants: GrantsQuery) => GrantsQuery,
): Promise<string[]> {
  return inTransaction(db, async (tx) => {
    const revoked = await tx
      .with('matched', (cte) =>
        // In one order, so that two revocations of many grants cannot deadlock.
        restrict(cte.selectFrom('grants').select('id'))
          .where('revokedAt', 'is', null)
          .orderBy('id')
          .forNoKeyUpdate(),
      )
      .updateTable('grants')
      .set({ revokedAt: now() })
      .from('matched')
      .whereRef('grants.id', '=', 'matched.id')
      .returning(['grants.id', sql<boolean>`grants.expires_at > ${now()}`.as('live')])
      .execute();
    if (revoked.length === 0) return [];
    await tx
      .deleteFrom('refreshTokens')
      .where('grantId', '=', (eb) => eb.fn.any(eb.val(revoked.map(({ id }) => id))))
      .execute();
    return revoked.filter(({ live }) => live).map(({ id }) => id);
  });
}

type Consents = Pick<Grants, 'findConsent' | 'putConsent' | 'deleteConsents'>;

function createConsents({ db, now }: PostgresContext): Consents {
  return {
    findConsent: (accountId, clientId, organizationId) =>
      db
        .selectFrom('consents')
        .select(['accountId', 'clientId', 'organizationId', 'payload', 'updatedAt'])
        .where('accountId', '=', accountId)
        .where('clientId', '=', clientId)
        .where('organizationId', 'is not distinct from', organizationId)
        .executeTakeFirst(),
    async putConsent({ payload, ...consent }) {
      const values = { payload: JSON.stringify(payload), updatedAt: now() };
      await db
        .insertInto('consents')
        .values({ ...consent, ...values })
        .onConflict((conflict) => conflict.constraint('consents_key').doUpdateSet(values))
        .execute();
    },
    async deleteConsents(filter) {
      const { numDeletedRows } = await db
        .deleteFrom('consents')
        .where((eb) => eb.and(requireFields(filter)))
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}

/** The named fields. None named would mean every record, which nobody asks for on purpose. */
function requireFields(filter: GrantFilter): GrantFilter {
  const named = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
  if (Object.keys(named).length === 0) throw new TypeError('a filter of grants names at least one field');
  return named;
}
