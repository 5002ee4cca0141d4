import type { IdempotencyClaim, IdempotencyKeys } from '../idempotency.ts';
import type { PostgresContext } from './database.ts';
import { purge } from './purge.ts';

export function createPostgresIdempotencyKeys(context: PostgresContext): IdempotencyKeys {
  const { db } = context;
  return {
    claim: (digest, fingerprint, ttlSeconds) => claim(context, digest, fingerprint, ttlSeconds),
    async settle(digest, { status, sealed }) {
      await db
        .updateTable('idempotencyKeys')
        .set({ status, sealed })
        .where('digest', '=', digest)
        .where('status', 'is', null)
        .execute();
    },
    async release(digest) {
      await db
        .deleteFrom('idempotencyKeys')
        .where('digest', '=', digest)
        .where('status', 'is', null)
        .execute();
    },
    purge: (before) => purge(context, 'idempotencyKeys', before),
  };
}

const CLAIM = `
  insert into idempotency_keys as kept (digest, fingerprint, created_at, expires_at)
  select $1::bytea, $2::bytea, at, at + make_interval(secs => $4)
  from (select coalesce($3::timestamptz, statement_timestamp()) as at) as present
  on conflict (digest) do update set fingerprint = excluded.fingerprint, status = null, sealed = null,
    created_at = excluded.created_at, expires_at = excluded.expires_at
  where kept.expires_at <= excluded.created_at
  returning digest`;

const FIND = `
  select fingerprint = $2::bytea as same, status, sealed, created_at from idempotency_keys
  where digest = $1 and expires_at > coalesce($3::timestamptz, statement_timestamp())`;

interface KeptRow {
  same: boolean;
  status: number | null;
  sealed: Buffer | null;
  createdAt: Date;
}

/**
 * The compare-and-set is one statement, and the first caller costs no other. What stood in the way of any other is
 * read afterwards; where that was released or expired in between, the claim is made anew.
 */
async function claim(
  { query, testInstant }: PostgresContext,
  digest: Buffer,
  fingerprint: Buffer,
  ttlSeconds: number,
): Promise<IdempotencyClaim> {
  for (;;) {
    const claimed = await query(CLAIM, [digest, fingerprint, testInstant(), ttlSeconds]);
    if (claimed.length > 0) return { state: 'claimed' };
    const [kept] = await query<KeptRow>(FIND, [digest, fingerprint, testInstant()]);
    if (kept) return toClaim(kept);
  }
}

function toClaim({ same, status, sealed, createdAt }: KeptRow): IdempotencyClaim {
  if (!same) return { state: 'reused' };
  if (status === null || sealed === null) return { state: 'pending', since: createdAt };
  return { state: 'answered', answer: { status, sealed } };
}
