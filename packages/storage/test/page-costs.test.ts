import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../infra/test/servers.ts';
import type { SqlConnection, SqlPool } from '../src/postgres/dialect.ts';
import { createDurableStorage } from '../src/postgres/index.ts';
import { createPgPool } from '../src/postgres/pool.ts';
import type { DurableStorage } from '../src/storage.ts';

/** The tables at a size where a missing index shows; `org_1` has half of everything. */
const SEED = `
  insert into organizations (id, name, plan, created_at)
    select 'org_' || n, 'Acme', 'free', now() from generate_series(1, 100) n;
  insert into clients (id, organization_id, environment, metadata, created_at, updated_at)
    select 'client_' || n, 'org_' || (1 + n % 2 * (n % 20)), 'live', '{}', now() - n * interval '1 second', now()
    from generate_series(1, 20000) n;
  insert into api_keys (id, organization_id, environment, name, scopes, digest, last_four, ip_allowlist,
      created_by_type, created_by_id, created_at, updated_at)
    select 'key_' || n, 'org_' || (1 + n % 2 * (n % 20)), case when n % 100 < 2 then 'test' else 'live' end,
      'Key', '[]', '\\x00', 'aaaa', '[]', 'operator', 'cli', now() - n * interval '1 second', now() - n * interval '1 second'
    from generate_series(1, 20000) n;
  insert into audit_events (id, at, action, result, actor_type, actor_id, target_type, target_id, organization_id,
      details)
    select 'evt_' || n, now() - (40000 - n) * interval '1 minute', 'action_' || n % 30, 'success', 'account',
      'user_' || n % 40, 'api_key', 'key_' || n % 40,
      'org_' || case when n % 400 = 7 then 20 else 1 + n % 2 * (n % 18) end, '{}'
    from generate_series(1, 40000) n;
  insert into usage (organization_id, environment, minute, credential_type, credential_id, route, status_class,
      requests)
    select 'org_' || o, 'live', date_trunc('hour', now(), 'UTC') - m * interval '1 minute', 'api_key', 'key_' || k,
      'GET /', 2, 1
    from generate_series(1, 100) o, generate_series(1, 300) m, generate_series(1, 2) k;
  insert into organizations (id, name, plan, created_at, updated_at, disabled_at)
    select 'org_long_ago_' || n, 'Acme', 'free', '2020-01-01', '2020-01-01', case when n % 2 = 0 then timestamptz '2020-01-01' end
    from generate_series(1, 5000) n;
  analyze;`;

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

/** Rows of all tables that the plan read, those it threw away included. */
function rowsRead(node: PlanNode): number {
  const own = (node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0);
  const below = (node.Plans ?? []).reduce((sum, child) => sum + rowsRead(child), 0);
  return below + (node['Relation Name'] === undefined ? 0 : own * (node['Actual Loops'] ?? 1));
}

/** Runs each query under EXPLAIN ANALYZE instead, and counts the rows it read. */
function createExplainingPool(pool: SqlPool, onRead: (rows: number) => void): SqlPool {
  const explain = (connection: SqlConnection): SqlConnection => ({
    ...connection,
    async query(text, parameters) {
      const { rows } = await connection.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
        `explain (analyze, format json) ${text}`,
        parameters,
      );
      for (const {
        'QUERY PLAN': [{ Plan }],
      } of rows)
        onRead(rowsRead(Plan));
      return { rows: [], affected: 0 };
    },
  });
  return { connect: async () => explain(await pool.connect()), end: () => pool.end() };
}

describe('what a page costs in a full database', () => {
  let database: TestDatabase;
  let storage: DurableStorage;
  let read = 0;
  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl'));
    const pool = createPgPool({ url: database.url, poolSize: 1, statementTimeoutMs: 60_000 });
    await createDurableStorage(pool).migrate();
    const connection = await pool.connect();
    await connection.script(SEED);
    connection.release();
    storage = createDurableStorage(
      createExplainingPool(pool, (rows) => {
        read += rows;
      }),
    );
  });
  afterAll(async () => {
    await storage.close();
    await database.drop();
  });

  const LIMIT = 20;
  /** Made with the seed, and so changed lately. */
  const ORGANIZATIONS = 100;
  const HOUR_MS = 3_600_000;
  const cost = async (work: () => Promise<unknown>) => {
    read = 0;
    await work();
    return read;
  };
  /** A few times the page: where many rows match, the planner rightly walks a wider index and skips the others. */
  const expectPage = async (work: () => Promise<unknown>) => {
    const rows = await cost(work);
    expect(rows).toBeGreaterThanOrEqual(LIMIT);
    expect(rows).toBeLessThanOrEqual(4 * LIMIT);
  };
  const ago = (days: number) => new Date(Date.now() - days * 86_400_000);

  test.each([
    ['of everybody', {}],
    ['of an organisation', { organizationId: 'org_1' }],
    ['of an organisation that has few', { organizationId: 'org_20' }],
    ['in a period', { organizationId: 'org_1', from: ago(20), to: ago(10) }],
    ['by actor', { organizationId: 'org_1', actorId: 'user_2' }],
    ['by target', { organizationId: 'org_1', targetId: 'key_2' }],
    ['by action', { organizationId: 'org_1', action: 'action_2' }],
    ['by actor in a period', { organizationId: 'org_1', actorId: 'user_2', from: ago(20), to: ago(10) }],
  ])('audit events %s: a few rows, whichever the page', async (_, filter) => {
    await expectPage(() => storage.auditEvents.list({ ...filter, limit: LIMIT }));
    await expectPage(() => storage.auditEvents.list({ ...filter, before: 'evt_24000', limit: LIMIT }));
  });

  test.each([
    ['of an organisation', {}],
    ['of one environment', { environment: 'live' as const }],
    ['of the environment that has few', { environment: 'test' as const }],
  ])('API keys %s: a few rows, whichever the page', async (_, filter) => {
    const page = { organizationId: 'org_1', ...filter, limit: LIMIT };
    await expectPage(() => storage.apiKeys.list(page));
    await expectPage(() =>
      storage.apiKeys.list({ ...page, after: { createdAt: ago(0.1), id: 'key_10000' } }),
    );
  });

  test('clients: a few rows, whichever the page', async () => {
    const page = {
      organizationId: 'org_1',
      environment: 'live',
      except: 'resource_server',
      limit: LIMIT,
    } as const;
    await expectPage(() => storage.clients.listPage(page));
    await expectPage(() =>
      storage.clients.listPage({ ...page, after: { createdAt: ago(0.1), id: 'client_10000' } }),
    );
  });

  test('usage: what was counted in the period, of the organisation alone', async () => {
    const to = new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 2 * HOUR_MS);
    const asked = {
      organizationId: 'org_1',
      environment: 'live',
      from: new Date(to.getTime() - HOUR_MS),
      to,
      interval: 'minute',
      groupBy: 'api_key',
      limit: LIMIT,
    } as const;
    expect(await cost(() => storage.usage.list(asked))).toBe(60 * 2);
    expect(await cost(() => storage.usage.purge(new Date(0)))).toBe(0);
  });

  test('what changed lately: the rows that did', async () => {
    const since = new Date(Date.now() - 10_000);
    expect(await cost(() => storage.apiKeys.listChangedSince(since))).toBeLessThanOrEqual(LIMIT);
    expect(await cost(() => storage.organizations.listChangedSince(since))).toBeLessThanOrEqual(
      ORGANIZATIONS,
    );
  });

  test('keys by id: the rows asked for, to read them and to note their use', async () => {
    const ids = Array.from({ length: LIMIT }, (_, index) => `key_${1 + index * 100}`);
    expect(await cost(() => storage.apiKeys.findMany(ids))).toBe(LIMIT);
    const uses = ids.map((id) => ({ id, at: new Date() }));
    expect(await cost(() => storage.apiKeys.touch(uses))).toBeLessThanOrEqual(3 * LIMIT);
  });
});
