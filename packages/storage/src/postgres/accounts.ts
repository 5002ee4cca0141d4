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

export function createPostgresAccounts({ db, now }: PostgresContext): Accounts {
  return {
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
    async endSignIns(id) {
      await db
        .updateTable('accounts')
        .set(({ eb }) => ({ signInGeneration: eb('signInGeneration', '+', 1), updatedAt: now() }))
        .where('id', '=', id)
        .execute();
    },
    async delete(id) {
      const { numDeletedRows } = await db
        .deleteFrom('accounts')
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
  };
}
