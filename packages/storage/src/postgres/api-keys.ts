import { sql } from 'kysely';
import type { ApiKey, ApiKeyChanges, ApiKeys, NewApiKeyRecord, RotatedApiKey } from '../api-keys.ts';
import { inTransaction, type PostgresContext } from './database.ts';
import { lockRows } from './lock.ts';
import { isStorable } from './text.ts';

const COLUMNS = [
  'id',
  'organizationId',
  'environment',
  'name',
  'scopes',
  'digest',
  'lastFour',
  'ipAllowlist',
  'rateLimit',
  'createdByType',
  'createdById',
  'createdAt',
  'updatedAt',
  'expiresAt',
  'revokedAt',
  'leakedAt',
  'lastUsedAt',
  'successorId',
] as const;

const FIND_MANY = `
  select id, organization_id, environment, name, scopes, digest, last_four, ip_allowlist, rate_limit,
    created_by_type, created_by_id, created_at, updated_at, expires_at, revoked_at, leaked_at, last_used_at,
    successor_id
  from api_keys where id = any($1::text[])`;

export function createPostgresApiKeys(context: PostgresContext): ApiKeys {
  const { db, now, query } = context;
  const findMany = async (ids: readonly string[]) =>
    (await query<ApiKeyRow>(FIND_MANY, [ids.filter(isStorable)])).map(toApiKey);
  return {
    create: (key) => create(context, key),
    find: async (id) => (isStorable(id) ? (await findMany([id]))[0] : undefined),
    findMany,
    list: (filter) => list(context, filter),
    async update(id, changes) {
      if (!isStorable(id)) return undefined;
      const row = await db
        .updateTable('apiKeys')
        .set({ ...toColumns(changes), updatedAt: now() })
        .where('id', '=', id)
        .returning(COLUMNS)
        .executeTakeFirst();
      return row && toApiKey(row);
    },
    rotate: async (id, successor, endsAt) =>
      isStorable(id) ? rotate(context, id, successor, endsAt) : undefined,
    lock: (...ids) => lockRows(db, 'apiKeys', ids),
    async delete(id) {
      if (!isStorable(id)) return false;
      const { numDeletedRows } = await db
        .deleteFrom('apiKeys')
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
    async listChangedSince(since) {
      const rows = await db.selectFrom('apiKeys').select('id').where('updatedAt', '>=', since).execute();
      return rows.map(({ id }) => id);
    },
    async touch(uses) {
      const storable = uses.filter(({ id }) => isStorable(id));
      await query(TOUCH, [storable.map(({ id }) => id), storable.map(({ at }) => at)]);
    },
  };
}

async function create(
  { db, now, createdNow }: Pick<PostgresContext, 'db' | 'now' | 'createdNow'>,
  key: NewApiKeyRecord,
): Promise<ApiKey> {
  const { createdBy, scopes, ipAllowlist, ...columns } = key;
  const row = await db
    .insertInto('apiKeys')
    .values({
      ...columns,
      scopes: JSON.stringify(scopes),
      ipAllowlist: JSON.stringify(ipAllowlist),
      createdByType: createdBy.type,
      createdById: createdBy.id,
      createdAt: createdNow(),
      updatedAt: now(),
    })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
  return toApiKey(row);
}

/** Holding the row decides: callers that come at once wait for it, and then find a successor in it. */
function rotate(
  { db, now, createdNow }: PostgresContext,
  id: string,
  succeed: (predecessor: ApiKey) => NewApiKeyRecord,
  endsAt: Date,
): Promise<RotatedApiKey | undefined> {
  return inTransaction(db, async (tx) => {
    const row = await tx
      .selectFrom('apiKeys')
      .select(COLUMNS)
      .where('id', '=', id)
      .where('successorId', 'is', null)
      .where('revokedAt', 'is', null)
      .where((eb) => eb.or([eb('expiresAt', 'is', null), eb('expiresAt', '>', now())]))
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (!row) return undefined;
    const successor = await create({ db: tx, now, createdNow }, succeed(toApiKey(row)));
    const ended = await tx
      .updateTable('apiKeys')
      .set({
        successorId: successor.id,
        // `least` passes over null.
        expiresAt: sql<Date>`least(expires_at, ${endsAt}::timestamptz)`,
        updatedAt: now(),
      })
      .where('id', '=', id)
      .returning(COLUMNS)
      .executeTakeFirstOrThrow();
    return { predecessor: toApiKey(ended), successor };
  });
}

/** Takes the rows in one order, so that processes which write the same keys at once cannot deadlock. */
const TOUCH = `
  with latest as (
    select id, max(at) as at from unnest($1::text[], $2::timestamptz[]) as uses (id, at) group by id
  ), taken as (
    select api_keys.id, latest.at from api_keys join latest on latest.id = api_keys.id
    where last_used_at is null or last_used_at < latest.at
    order by api_keys.id
    for no key update of api_keys
  )
  update api_keys set last_used_at = taken.at from taken
  where api_keys.id = taken.id and (last_used_at is null or last_used_at < taken.at)`;

async function list(
  { db }: PostgresContext,
  { organizationId, environment, after, limit }: Parameters<ApiKeys['list']>[0],
): Promise<ApiKey[]> {
  let page = db
    .selectFrom('apiKeys')
    .select(COLUMNS)
    .where('organizationId', '=', organizationId)
    .orderBy('createdAt', 'desc')
    .orderBy('id', 'desc')
    .limit(limit);
  if (environment !== undefined) page = page.where('environment', '=', environment);
  if (after !== undefined) {
    if (!isStorable(after.id)) return [];
    page = page.where(sql<boolean>`(created_at, id) < (${after.createdAt}, ${after.id})`);
  }
  return (await page.execute()).map(toApiKey);
}

function toColumns({ scopes, ipAllowlist, revokedAt, ...changes }: ApiKeyChanges) {
  return {
    ...changes,
    ...(scopes && { scopes: JSON.stringify(scopes) }),
    ...(ipAllowlist && { ipAllowlist: JSON.stringify(ipAllowlist) }),
    ...(revokedAt && { revokedAt: sql<Date>`coalesce(revoked_at, ${revokedAt}::timestamptz)` }),
  };
}

interface ApiKeyRow extends Omit<ApiKey, 'createdBy'> {
  createdByType: ApiKey['createdBy']['type'];
  createdById: string;
}

function toApiKey({ createdByType, createdById, ...key }: ApiKeyRow): ApiKey {
  return { ...key, createdBy: { type: createdByType, id: createdById } };
}
