import { type RawBuilder, sql } from 'kysely';
import type { Usage, UsageCount, UsageGroup, UsageQuery, UsageRow } from '../usage.ts';
import type { PostgresContext } from './database.ts';
import { purge } from './purge.ts';
import { isStorable } from './text.ts';

export function createPostgresUsage(context: PostgresContext): Usage {
  const { query } = context;
  return {
    async add(counts) {
      await query(ADD, toArrays(counts.filter(({ organizationId }) => isStorable(organizationId))));
    },
    list: (asked) => list(context, asked),
    purge: (before) => purge(context, 'usage', before),
  };
}

/**
 * Holds the organisations' rows, so that none goes between the look and the insert; takes all rows in one order, so
 * that processes which write at once cannot deadlock.
 */
const ADD = `
  with present as (
    select id from organizations where id = any($1::text[]) order by id for key share
  )
  insert into usage
    (organization_id, environment, minute, credential_type, credential_id, route, status_class, requests)
  select present.id, environment, minute, credential_type, credential_id, route, status_class, sum(requests)
  from unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::smallint[],
      $8::bigint[])
    as counted (organization_id, environment, minute, credential_type, credential_id, route, status_class, requests)
    join present on present.id = counted.organization_id
  group by 1, 2, 3, 4, 5, 6, 7
  order by 1, 2, 3, 4, 5, 6, 7
  on conflict (organization_id, environment, minute, credential_type, credential_id, route, status_class)
    do update set requests = usage.requests + excluded.requests`;

function toArrays(counts: readonly UsageCount[]): unknown[] {
  return [
    counts.map(({ organizationId }) => organizationId),
    counts.map(({ environment }) => environment),
    counts.map(({ minute }) => minute),
    counts.map(({ credentialType }) => credentialType),
    counts.map(({ credentialId }) => credentialId),
    counts.map(({ route }) => route),
    counts.map(({ statusClass }) => statusClass),
    counts.map(({ requests }) => requests),
  ];
}

const GROUPS: Record<UsageGroup | 'none', RawBuilder<string | null>> = {
  none: sql`null::text`,
  api_key: sql`credential_id`,
  application: sql`credential_id`,
  route: sql`route`,
  status: sql`status_class || 'xx'`,
};

/** Sums are double precision: whole numbers up to 2^53, which the driver hands on as numbers. */
async function list(
  { db }: PostgresContext,
  { organizationId, environment, from, to, interval, groupBy, limit, ...only }: UsageQuery,
): Promise<UsageRow[]> {
  const { credentialType, credentialId, route } = only;
  if ([organizationId, credentialId, route].some((text) => text !== undefined && !isStorable(text)))
    return [];
  let rows = db
    .selectFrom('usage')
    .select([
      sql<Date>`date_trunc(${sql.lit(interval)}, minute, 'UTC')`.as('at'),
      GROUPS[groupBy ?? 'none'].as('group'),
      sql<number>`sum(requests)::double precision`.as('total'),
      sql<number>`coalesce(sum(requests) filter (where status_class >= 4), 0)::double precision`.as('errors'),
    ])
    .where('organizationId', '=', organizationId)
    .where('environment', '=', environment)
    .where('minute', '>=', from)
    .where('minute', '<', to)
    .groupBy(['at', 'group'])
    .orderBy('at')
    .orderBy('total', 'desc')
    .orderBy('group')
    .limit(limit);
  if (groupBy === 'api_key') rows = rows.where('credentialType', '=', 'api_key');
  if (groupBy === 'application') rows = rows.where('credentialType', '=', 'client');
  if (credentialType !== undefined) rows = rows.where('credentialType', '=', credentialType);
  if (credentialId !== undefined) rows = rows.where('credentialId', '=', credentialId);
  if (route !== undefined) rows = rows.where('route', '=', route);
  return (await rows.execute()).map(({ total, ...row }) => ({ ...row, requests: total }));
}
