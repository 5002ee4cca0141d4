import { CompiledQuery, type ExpressionBuilder } from 'kysely';
import type { NewResourceServer, ResourceServers } from '../resource-servers.ts';
import { type Database, inTransaction, type PostgresContext } from './database.ts';
import { isStorable } from './text.ts';

const COLUMNS = [
  'id',
  'identifier',
  'name',
  'scopes',
  'tokenFormat',
  'tokenTtlSeconds',
  'signingAlgorithm',
  'acceptsApiKeys',
  'isDefault',
  'introspectionClientId',
  'createdAt',
  'updatedAt',
] as const;

export function createPostgresResourceServers({ db, now }: PostgresContext): ResourceServers {
  const findBy = async (column: 'id' | 'identifier', value: string) =>
    isStorable(value)
      ? db.selectFrom('resourceServers').select(COLUMNS).where(column, '=', value).executeTakeFirst()
      : undefined;
  return {
    create: ({ scopes, ...resourceServer }) =>
      inTransaction(db, async (tx) => {
        if (resourceServer.isDefault) await releaseDefault({ db: tx, now });
        return tx
          .insertInto('resourceServers')
          .values({ ...resourceServer, scopes: JSON.stringify(scopes), createdAt: now(), updatedAt: now() })
          .returning(COLUMNS)
          .executeTakeFirstOrThrow();
      }),
    find: (id) => findBy('id', id),
    findByIdentifier: (identifier) => findBy('identifier', identifier),
    list: () => db.selectFrom('resourceServers').select(COLUMNS).orderBy('createdAt').orderBy('id').execute(),
    update: (id, changes) =>
      inTransaction(db, async (tx) => {
        if (changes.isDefault) await releaseDefault({ db: tx, now }, id);
        return tx
          .updateTable('resourceServers')
          .set({ ...toColumns(changes), updatedAt: now() })
          .where('id', '=', id)
          .returning(COLUMNS)
          .executeTakeFirst();
      }),
    async delete(id) {
      const { numDeletedRows } = await db
        .deleteFrom('resourceServers')
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
  };
}

const LOCK_TABLE = CompiledQuery.raw('lock table resource_servers in share row exclusive mode');

/** Two that are made the default at once go one after the other, and the later stays. `heir`: where it has to exist. */
async function releaseDefault(
  { db: tx, now }: Pick<PostgresContext, 'db' | 'now'>,
  heir?: string,
): Promise<void> {
  await tx.executeQuery(LOCK_TABLE);
  const release = tx
    .updateTable('resourceServers')
    .set({ isDefault: false, updatedAt: now() })
    .where('isDefault', '=', true);
  if (heir === undefined) await release.execute();
  else {
    const exists = (eb: ExpressionBuilder<Database, 'resourceServers'>) =>
      eb.exists(eb.selectFrom('resourceServers').select('id').where('id', '=', heir));
    await release.where('id', '!=', heir).where(exists).execute();
  }
}

function toColumns({ scopes, ...changes }: Partial<Omit<NewResourceServer, 'id'>>) {
  return { ...changes, ...(scopes && { scopes: JSON.stringify(scopes) }) };
}
