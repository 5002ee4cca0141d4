import { type RawBuilder, sql } from 'kysely';
import type { PostgresContext } from './database.ts';

/** Few enough for one statement to end long before its timeout, whatever a purge that was put off has to delete. */
const BATCH_ROWS = 5_000;

/** When the rows of a table are over. */
const ENDS = {
  grants: 'expiresAt',
  idempotencyKeys: 'expiresAt',
  refreshTokens: 'expiresAt',
  revocations: 'expiresAt',
  usage: 'minute',
} as const;

/** Deletes what was over before that instant; answers how many rows. */
export function purge(
  context: Pick<PostgresContext, 'db'>,
  table: keyof typeof ENDS,
  before: Date,
  batchRows?: number,
): Promise<number> {
  return deleteInBatches(context, table, sql`${sql.ref(ENDS[table])} < ${before}`, batchRows);
}

/** Deletes the rows of which the condition holds, a batch with each statement; answers how many. */
export async function deleteInBatches(
  { db }: Pick<PostgresContext, 'db'>,
  table: string,
  condition: RawBuilder<unknown>,
  batchRows: number = BATCH_ROWS,
): Promise<number> {
  const rows = sql.table(table);
  // The condition is asked for once more: a row that was changed meanwhile, so that it does not hold, stays.
  const batch = sql`
    delete from ${rows}
    where ctid = any(array(select ctid from ${rows} where ${condition} limit ${batchRows})) and ${condition}`;
  for (let deleted = 0; ; ) {
    const { numAffectedRows = 0n } = await batch.execute(db);
    deleted += Number(numAffectedRows);
    if (numAffectedRows < batchRows) return deleted;
  }
}
