import { sql } from 'kysely';
import type { Revocation, Revocations } from '../revocations.ts';
import type { PostgresContext } from './database.ts';
import { purge } from './purge.ts';
import { isStorable } from './text.ts';

const COLUMNS = ['subject', 'id', 'revokedAt', 'expiresAt'] as const;

const FIND_ANY = `
  select subject, id, revoked_at, expires_at from revocations
  join unnest($1::text[], $2::text[]) as wanted (subject, id) using (subject, id)`;

export function createPostgresRevocations(context: PostgresContext): Revocations {
  const { db, now, query } = context;
  return {
    async put(revocation) {
      await db
        .insertInto('revocations')
        .values(revocation)
        .onConflict((conflict) =>
          conflict.columns(['subject', 'id']).doUpdateSet({
            revokedAt: sql<Date>`greatest(revocations.revoked_at, excluded.revoked_at)`,
            expiresAt: sql<Date>`greatest(revocations.expires_at, excluded.expires_at)`,
          }),
        )
        .execute();
    },
    async findAny(keys) {
      const storable = keys.filter(({ id }) => isStorable(id));
      const subjects = storable.map(({ subject }) => subject);
      const ids = storable.map(({ id }) => id);
      return query<Revocation>(FIND_ANY, [subjects, ids]);
    },
    list: () =>
      db
        .selectFrom('revocations')
        .select(COLUMNS)
        .where('expiresAt', '>', now())
        .orderBy('revokedAt')
        .execute(),
    purge: (before) => purge(context, 'revocations', before),
  };
}
