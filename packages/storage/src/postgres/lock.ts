import type { Kysely } from 'kysely';
import type { Database } from './database.ts';
import { isStorable } from './text.ts';

/** Holds the row until the transaction ends, except against being referred to. Answers whether there is one. */
export async function lockRow(
  db: Kysely<Database>,
  table: 'apiKeys' | 'clients',
  id: string,
): Promise<boolean> {
  if (!isStorable(id)) return false;
  const row = await db
    .selectFrom(table)
    .select('id')
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst();
  return row !== undefined;
}
