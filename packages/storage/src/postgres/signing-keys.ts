import { CompiledQuery, type Kysely, sql } from 'kysely';
import { ConflictError } from '../errors.ts';
import type { SigningKey, SigningKeys } from '../signing-keys.ts';
import { type Database, inTransaction, type PostgresContext, type SqlNow } from './database.ts';

const COLUMNS = [
  'kid',
  'algorithm',
  'publicJwk',
  'sealedPrivateJwk',
  'createdAt',
  'activeAt',
  'retiredAt',
] as const;

export function createPostgresSigningKeys(context: PostgresContext): SigningKeys {
  const { db, now } = context;
  const select = () => db.selectFrom('signingKeys').select(COLUMNS).orderBy('activeAt').orderBy('kid');
  return {
    list: () =>
      select()
        .where((eb) => eb.or([eb('retiredAt', 'is', null), eb('retiredAt', '>', now())]))
        .execute(),
    listAll: () => select().execute(),
    createFirst: (key) => withTable(context, (tx) => createFirst(tx, now, key)),
    rotate: (key, previousRetiredAt) => withTable(context, (tx) => rotate(tx, now, key, previousRetiredAt)),
    async retire(kid, at) {
      const { numUpdatedRows } = await db
        .updateTable('signingKeys')
        .set({ retiredAt: sql<Date>`least(retired_at, ${at})` })
        .where('kid', '=', kid)
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    },
  };
}

type NewKey = Omit<SigningKey, 'createdAt' | 'retiredAt'>;

/** A transaction in which writers come one at a time; readers are not held up. */
function withTable<R>({ db }: PostgresContext, work: (tx: Kysely<Database>) => Promise<R>): Promise<R> {
  return inTransaction(db, async (tx) => {
    await tx.executeQuery(CompiledQuery.raw('lock table signing_keys in share row exclusive mode'));
    return work(tx);
  });
}

async function createFirst(tx: Kysely<Database>, now: SqlNow, key: NewKey): Promise<boolean> {
  const present = await tx
    .selectFrom('signingKeys')
    .select('kid')
    .where('algorithm', '=', key.algorithm)
    .where((eb) => eb.or([eb('retiredAt', 'is', null), eb('retiredAt', '>', now())]))
    .executeTakeFirst();
  if (present) return false;
  await insert(tx, now, key);
  return true;
}

async function rotate(
  tx: Kysely<Database>,
  now: SqlNow,
  key: NewKey,
  previousRetiredAt: Date,
): Promise<SigningKey> {
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
  return insert(tx, now, key);
}

function insert(tx: Kysely<Database>, now: SqlNow, { publicJwk, ...key }: NewKey): Promise<SigningKey> {
  return tx
    .insertInto('signingKeys')
    .values({ ...key, publicJwk: JSON.stringify(publicJwk), createdAt: now(), retiredAt: null })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
}
