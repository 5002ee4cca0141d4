import { CompiledQuery } from 'kysely';
import type { NewResourceServer, ResourceServers } from '../resource-servers.ts';
import { inTransaction, type PostgresContext } from './database.ts';
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
      db
        .insertInto('resourceServers')
        .values({ ...resourceServer, scopes: JSON.stringify(scopes), createdAt: now(), updatedAt: now() })
        .returning(COLUMNS)
        .executeTakeFirstOrThrow(),
    find: (id) => findBy('id', id),
    findByIdentifier: (identifier) => findBy('identifier', identifier),
    list: () => db.selectFrom('resourceServers').select(COLUMNS).orderBy('createdAt').orderBy('id').execute(),
    update: (id, changes) =>
      inTransaction(db, async (tx) => {
        if (changes.isDefault) {
          // Two that are made the default at once go one after the other, and the later stays.
          await tx.executeQuery(LOCK_TABLE);
          await tx
            .updateTable('resourceServers')
            .set({ isDefault: false, updatedAt: now() })
            .where('isDefault', '=', true)
            .where('id', '!=', id)
            .where((eb) => eb.exists(eb.selectFrom('resourceServers').select('id').where('id', '=', id)))
            .execute();
        }
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

function toColumns({ scopes, ...changes }: Partial<Omit<NewResourceServer, 'id'>>) {
  return { ...changes, ...(scopes && { scopes: JSON.stringify(scopes) }) };
}
