import { InvalidInputError } from './faults.ts';
import { MAX_TOKEN_TTL_SECONDS } from './inputs.ts';
import { type Operator, recordChange } from './operator.ts';

const DAY_MS = 86_400_000;
/** Thirteen months, so that any month can be compared with the same one a year before. */
export const DEFAULT_USAGE_RETENTION_DAYS = 400;
/** A hundred years: more is a mistake. */
const MAX_USAGE_RETENTION_DAYS = 36_500;

export interface PurgeOptions {
  /** Usage that was counted longer ago is deleted. */
  usageRetentionDays?: number;
}

/** How many of each were deleted. */
export interface Purged {
  refreshTokens: number;
  grants: number;
  revocations: number;
  idempotencyKeys: number;
  usage: number;
}

/**
 * Deletes what has been over for a day and can change no answer any more. The day is for clocks that differ, for
 * requests that still hold a revoked grant, and for tokens that a validator takes some time after their end. Audit
 * events stay for ever; API keys, clients and accounts until somebody deletes them.
 */
export async function purgeExpired(
  operator: Operator,
  { usageRetentionDays = DEFAULT_USAGE_RETENTION_DAYS }: PurgeOptions = {},
): Promise<Purged> {
  checkRetention(usageRetentionDays);
  const { durable, now } = operator;
  const before = new Date(now().getTime() - MAX_TOKEN_TTL_SECONDS * 1000);
  const purged = {
    // Before the grants, which take theirs with them uncounted.
    refreshTokens: await durable.refreshTokens.purge(before),
    grants: await durable.grants.purge(before),
    revocations: await durable.revocations.purge(before),
    idempotencyKeys: await durable.idempotencyKeys.purge(before),
    usage: await durable.usage.purge(new Date(now().getTime() - usageRetentionDays * DAY_MS)),
  };
  if (Object.values(purged).some((count) => count > 0))
    await recordPurge(operator, purged, usageRetentionDays);
  return purged;
}

function recordPurge(operator: Operator, purged: Purged, usageRetentionDays: number): Promise<void> {
  const details = {
    refresh_tokens: purged.refreshTokens,
    grants: purged.grants,
    revocations: purged.revocations,
    idempotency_keys: purged.idempotencyKeys,
    usage: purged.usage,
    usage_retention_days: usageRetentionDays,
  };
  return recordChange(operator, 'records.purged', null, { details });
}

function checkRetention(days: number): void {
  if (Number.isInteger(days) && days >= 1 && days <= MAX_USAGE_RETENTION_DAYS) return;
  const message = `must be 1 to ${MAX_USAGE_RETENTION_DAYS} days`;
  throw new InvalidInputError([{ field: 'usage_retention_days', message }]);
}
