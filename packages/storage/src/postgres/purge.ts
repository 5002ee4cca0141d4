import { sql } from 'kysely';
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
export async function purge(
  { db }: Pick<PostgresContext, 'db'>,
  table: keyof typeof ENDS,
  before: Date,
  batchRows: number = BATCH_ROWS,
): Promise<number> {
  const rows = sql.table(table);
  const end = sql.ref(ENDS[table]);
  // The end is asked for once more: a row that was given a later one meanwhile stays.
  const batch = sql`
    delete from ${rows}
    where ctid = any(array(select ctid from ${rows} where ${end} < ${before} limit ${batchRows})) and ${end} < ${before}`;
  for (let purged = 0; ; ) {
    const { numAffectedRows = 0n } = await batch.execute(db);
    purged += Number(numAffectedRows);
    if (numAffectedRows < batchRows) return purged;
  }
}
