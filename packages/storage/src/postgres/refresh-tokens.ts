import { digestBearer } from '../digest.ts';
import type { RefreshToken, RefreshTokens, RefreshTokenUse } from '../refresh-tokens.ts';
import type { PostgresContext } from './database.ts';
import { purge } from './purge.ts';

export function createPostgresRefreshTokens(context: PostgresContext): RefreshTokens {
  const { query } = context;
  return {
    put: (token) => put(context, token),
    find: async (value) => (await query<RefreshToken>(FIND, [digestBearer(value)]))[0],
    consume: (value, { retryWindowSeconds }) => consume(context, digestBearer(value), retryWindowSeconds),
    restore: (value) => restore(context, digestBearer(value)),
    purge: (before) => purge(context, 'refreshTokens', before),
  };
}

/** Null while no successor is stored. */
const SUCCESSOR_USED = `(
    select bool_or(successor.consumed_at is not null)
    from refresh_tokens successor where successor.predecessor = token.digest
  )`;

const FIND = `
  select grant_id, client_id, account_id, payload, created_at, expires_at, consumed_at,
    ${SUCCESSOR_USED} as successor_used
  from refresh_tokens token where digest = $1`;

/**
 * One statement. The share lock on the grant makes a revocation wait until the token is stored, then delete it; a
 * revocation that came first makes this one wait, then find no live grant.
 */
const PUT = `
  with live as (
    select id from grants
    where id = $1 and revoked_at is null and expires_at > coalesce($2::timestamptz, statement_timestamp())
    for share
  ), stored as (
    insert into refresh_tokens
      (grant_id, created_at, digest, client_id, account_id, payload, predecessor, expires_at)
    select id, coalesce($2::timestamptz, statement_timestamp()), $3::bytea, $4, $5, $6::json, $7::bytea,
      greatest($8::timestamptz, (select expires_at from refresh_tokens where digest = $7::bytea))
    from live
    on conflict (digest) do nothing
  )
  select exists (select from live) as live`;

async function put(
  { query, testInstant }: PostgresContext,
  token: Parameters<RefreshTokens['put']>[0],
): Promise<boolean> {
  const [outcome] = await query<{ live: boolean }>(PUT, [
    token.grantId,
    testInstant(),
    digestBearer(token.value),
    token.clientId,
    token.accountId,
    JSON.stringify(token.payload),
    token.predecessor === undefined ? null : digestBearer(token.predecessor),
    token.expiresAt,
  ]);
  return outcome?.live ?? false;
}

/** A use that stored no successor counts for as long as its request may last, which is within the window. */
const CONSUME = `
  update refresh_tokens token set consumed_at = coalesce($2::timestamptz, statement_timestamp())
  where digest = $1 and expires_at > coalesce($2::timestamptz, statement_timestamp())
    and case
      when consumed_at is null then ${SUCCESSOR_USED} is not true
      when consumed_at + make_interval(secs => $3) < coalesce($2::timestamptz, statement_timestamp())
        then ${SUCCESSOR_USED} is null
      else false
    end
  returning digest`;

const FIND_USE = `
  select ${SUCCESSOR_USED} as successor_used,
    consumed_at + make_interval(secs => $3) >= coalesce($2::timestamptz, statement_timestamp()) as recent
  from refresh_tokens token
  where digest = $1 and expires_at > coalesce($2::timestamptz, statement_timestamp())`;

/**
 * The compare-and-set is one statement, and the first use costs no other. The outcome of any other use is read
 * afterwards, when the use that won is visible.
 */
async function consume(
  { query, testInstant }: PostgresContext,
  digest: Buffer,
  retryWindowSeconds: number,
): Promise<RefreshTokenUse> {
  const parameters = [digest, testInstant(), retryWindowSeconds];
  const first = await query(CONSUME, parameters);
  if (first.length > 0) return 'consumed';
  const [use] = await query<{ recent: boolean | null; successorUsed: boolean | null }>(FIND_USE, parameters);
  if (!use) return 'unknown';
  return use.recent && !use.successorUsed ? 'retried' : 'replayed';
}

/** The successor stays: another request may have handed it out. */
async function restore({ query }: PostgresContext, digest: Buffer): Promise<void> {
  await query('update refresh_tokens set consumed_at = null where digest = $1', [digest]);
}
