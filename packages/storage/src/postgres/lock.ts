import type { Kysely } from 'kysely';
import type { Database } from './database.ts';
import { isStorable } from './text.ts';

/**
 * Holds the rows until the transaction ends, except against being referred to: in one order, so that two who hold the
 * same cannot deadlock. Answers whether there are all.
 */
export async function lockRows(
  db: Kysely<Database>,
  table: 'apiKeys' | 'clients',
  ids: readonly string[],
): Promise<boolean> {
  const wanted = new Set(ids);
  const rows = await db
    .selectFrom(table)
    .select('id')
    .where('id', '=', (eb) => eb.fn.any(eb.val([...wanted].filter(isStorable))))
    .orderBy('id')
    .forNoKeyUpdate()
    .execute();
  return rows.length === wanted.size;
}
