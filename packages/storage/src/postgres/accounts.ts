import { sql } from 'kysely';
import type { Accounts } from '../accounts.ts';
import type { PostgresContext } from './database.ts';
import { isStorable } from './text.ts';

const COLUMNS = [
  'id',
  'email',
  'emailVerified',
  'name',
  'passwordDigest',
  'signInGeneration',
  'createdAt',
  'updatedAt',
  'disabledAt',
] as const;

export function createPostgresAccounts(context: PostgresContext): Accounts {
  const { db, now } = context;
  return {
    ...createSignInChanges(context),
    create: (account) =>
      db
        .insertInto('accounts')
        .values({ emailVerified: false, ...account, createdAt: now(), updatedAt: now(), disabledAt: null })
        .returning(COLUMNS)
        .executeTakeFirstOrThrow(),
    find: async (id) =>
      isStorable(id)
        ? db.selectFrom('accounts').select(COLUMNS).where('id', '=', id).executeTakeFirst()
        : undefined,
    findByEmail: async (email) =>
      isStorable(email)
        ? db
            .selectFrom('accounts')
            .select(COLUMNS)
            .where(sql`lower(email)`, '=', sql`lower(${email})`)
            .executeTakeFirst()
        : undefined,
    list: () => db.selectFrom('accounts').select(COLUMNS).orderBy('createdAt').orderBy('id').execute(),
    update: (id, changes) =>
      db
        .updateTable('accounts')
        .set({ ...changes, updatedAt: now() })
        .where('id', '=', id)
        .returning(COLUMNS)
        .executeTakeFirst(),
    async delete(id) {
      const { numDeletedRows } = await db
        .deleteFrom('accounts')
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
  };
}

/** Which the update of a field would do only by reading first. */
function createSignInChanges({
  db,
  now,
}: PostgresContext): Pick<Accounts, 'renewPasswordDigest' | 'endSignIns'> {
  return {
    async renewPasswordDigest(id, { from, to }) {
      const { numUpdatedRows } = await db
        .updateTable('accounts')
        .set({ passwordDigest: to, updatedAt: now() })
        .where('id', '=', id)
        .where('passwordDigest', '=', from)
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    },
    async endSignIns(id) {
      await db
        .updateTable('accounts')
        .set(({ eb }) => ({ signInGeneration: eb('signInGeneration', '+', 1), updatedAt: now() }))
        .where('id', '=', id)
        .execute();
    },
  };
}
