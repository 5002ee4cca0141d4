import { CompiledQuery, type Transaction } from 'kysely';
import { ConflictError } from '../errors.ts';
import type { SigningKey, SigningKeys } from '../signing-keys.ts';
import type { Database, PostgresContext } from './database.ts';

const COLUMNS = [
  'kid',
  'algorithm',
  'publicJwk',
  'sealedPrivateJwk',
  'createdAt',
  'activeAt',
  'retiredAt',
] as const;

export function createPostgresSigningKeys({ db, now }: PostgresContext): SigningKeys {
  const select = () => db.selectFrom('signingKeys').select(COLUMNS).orderBy('activeAt').orderBy('kid');
  const insert = (tx: Transaction<Database>, { publicJwk, ...key }: NewKey) =>
    tx
      .insertInto('signingKeys')
      .values({ ...key, publicJwk: JSON.stringify(publicJwk), createdAt: now(), retiredAt: null })
      .returning(COLUMNS)
      .executeTakeFirstOrThrow();
  return {
    list: () =>
      select()
        .where((eb) => eb.or([eb('retiredAt', 'is', null), eb('retiredAt', '>', now())]))
        .execute(),
    listAll: () => select().execute(),
    createFirst: (key) =>
      db.transaction().execute(async (tx) => {
        await tx.executeQuery(LOCK_TABLE);
        const present = await tx
          .selectFrom('signingKeys')
          .select('kid')
          .where('algorithm', '=', key.algorithm)
          .where((eb) => eb.or([eb('retiredAt', 'is', null), eb('retiredAt', '>', now())]))
          .executeTakeFirst();
        if (present) return false;
        await insert(tx, key);
        return true;
      }),
    rotate: (key, previousRetiredAt) =>
      db.transaction().execute(async (tx) => {
        await tx.executeQuery(LOCK_TABLE);
        const waiting = await tx
          .selectFrom('signingKeys')
          .select('kid')
          .where('algorithm', '=', key.algorithm)
          .where('retiredAt', 'is', null)
          .where('activeAt', '>', now())
          .executeTakeFirst();
        if (waiting) throw new ConflictError(`${waiting.kid} is waiting to become active`);
        await tx
          .updateTable('signingKeys')
          .set({ retiredAt: previousRetiredAt })
          .where('algorithm', '=', key.algorithm)
          .where('retiredAt', 'is', null)
          .execute();
        return insert(tx, key);
      }),
    async retire(kid, at) {
      const { numUpdatedRows } = await db
        .updateTable('signingKeys')
        .set({ retiredAt: at })
        .where('kid', '=', kid)
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    },
  };
}

type NewKey = Omit<SigningKey, 'createdAt' | 'retiredAt'>;

/** Writers one at a time; readers are not held up. */
const LOCK_TABLE = CompiledQuery.raw('lock table signing_keys in share row exclusive mode');
