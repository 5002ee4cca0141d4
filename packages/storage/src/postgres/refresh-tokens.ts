import { sql } from 'kysely';
import { digestBearer } from '../digest.ts';
import type { RefreshTokens, RefreshTokenUse } from '../refresh-tokens.ts';
import type { PostgresContext } from './database.ts';

export function createPostgresRefreshTokens(context: PostgresContext): RefreshTokens {
  const { db } = context;
  return {
    put: (token) => put(context, token),
    find: (value) =>
      db
        .selectFrom('refreshTokens as token')
        .select(['grantId', 'clientId', 'accountId', 'payload', 'createdAt', 'expiresAt', 'consumedAt'])
        .select(successorUsed.as('successorUsed'))
        .where('digest', '=', digestBearer(value))
        .executeTakeFirst(),
    consume: (value, { retryWindowSeconds }) => consume(context, digestBearer(value), retryWindowSeconds),
    async delete(value) {
      const { numDeletedRows } = await db
        .deleteFrom('refreshTokens')
        .where('digest', '=', digestBearer(value))
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
    async purge(before) {
      const { numDeletedRows } = await db
        .deleteFrom('refreshTokens')
        .where('expiresAt', '<', before)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}

const successorUsed = sql<boolean>`exists (
  select from refresh_tokens successor where successor.predecessor = token.digest and successor.consumed_at is not null
)`;

/**
 * One statement. The share lock on the grant makes a revocation wait until the token is stored, then delete it; a
 * revocation that came first makes this one wait, then find no live grant.
 */
async function put(
  { db, now }: PostgresContext,
  token: Parameters<RefreshTokens['put']>[0],
): Promise<boolean> {
  const predecessor = token.predecessor === undefined ? null : digestBearer(token.predecessor);
  const { rows } = await sql<{ live: boolean }>`
    with live as (
      select id from grants
      where id = ${token.grantId} and revoked_at is null and expires_at > ${now()}
      for share
    ), stored as (
      insert into refresh_tokens
        (digest, grant_id, client_id, account_id, payload, predecessor, created_at, expires_at)
      select ${digestBearer(token.value)}::bytea, id, ${token.clientId}::text, ${token.accountId}::text,
        ${JSON.stringify(token.payload)}::json, ${predecessor}::bytea, ${now()}, ${token.expiresAt}::timestamptz
      from live
      on conflict (digest) do nothing
    )
    select exists (select from live) as live`.execute(db);
  return rows[0]?.live ?? false;
}

/**
 * The compare-and-set is one statement, and the first use costs no other. The outcome of any other use is read
 * afterwards, when the use that won is visible.
 */
async function consume(
  { db, now }: PostgresContext,
  digest: Buffer,
  retryWindowSeconds: number,
): Promise<RefreshTokenUse> {
  const first = await db
    .updateTable('refreshTokens')
    .set({ consumedAt: now() })
    .where('digest', '=', digest)
    .where('consumedAt', 'is', null)
    .where('expiresAt', '>', now())
    .returning('grantId')
    .executeTakeFirst();
  if (first) return 'consumed';
  const used = await db
    .selectFrom('refreshTokens as token')
    .select(sql<boolean>`consumed_at + make_interval(secs => ${retryWindowSeconds}) >= ${now()}`.as('recent'))
    .select(successorUsed.as('successorUsed'))
    .where('digest', '=', digest)
    .where('consumedAt', 'is not', null)
    .where('expiresAt', '>', now())
    .executeTakeFirst();
  if (!used) return 'unknown';
  return used.recent && !used.successorUsed ? 'retried' : 'replayed';
}
