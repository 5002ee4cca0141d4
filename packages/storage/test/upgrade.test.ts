import { openPostgres } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../infra/test/servers.ts';
import type { SqlPool } from '../src/postgres/dialect.ts';
import { migrate, readMigrations } from '../src/postgres/migrate.ts';
import { createPgPool } from '../src/postgres/pool.ts';

const PREVIOUS = readMigrations().filter(({ version }) => version <= 2);
/** As the release before API keys inserts one. */
const INSERT =
  'insert into organizations (id, name, plan, created_at, disabled_at) values ($1, $2, $3, $4, $5)';
const DISABLE = 'update organizations set disabled_at = $2 where id = $1';
const INSERT_ACCOUNT =
  'insert into accounts (id, email, email_verified, name, created_at, updated_at) values ($1, $2, false, $3, $4, $4)';
const WAITING =
  'select pid from pg_stat_activity where datname = current_database() and wait_event_type = $1';
const CREATED_AT = new Date('2026-01-02T03:04:05Z');

describe('a database of the release before API keys', () => {
  let database: TestDatabase;
  let pool: SqlPool;
  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl'));
    pool = createPgPool({ url: database.url });
    await migrate(pool, PREVIOUS);
    await run(INSERT, ['org_old', 'Old', 'enterprise', CREATED_AT, CREATED_AT]);
    await run(INSERT_ACCOUNT, ['user_old', 'old@example.com', 'Old', CREATED_AT]);
    await migrate(pool, readMigrations());
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  const run = async (text: string, parameters: unknown[]) => {
    const connection = await pool.connect();
    try {
      await connection.query(text, parameters);
    } finally {
      connection.release();
    }
  };
  const find = async (id: string) => {
    const storage = openPostgres({ url: database.url });
    try {
      return await storage.organizations.find(id);
    } finally {
      await storage.close();
    }
  };
  const defaults = { rateLimit: null, ipAllowlist: [], leakedKeyPolicy: 'revoke' };

  test('keeps its organisations, with the settings that change nothing, unchanged since they were made', async () => {
    expect(await find('org_old')).toEqual({
      id: 'org_old',
      name: 'Old',
      plan: 'enterprise',
      ...defaults,
      createdAt: CREATED_AT,
      updatedAt: CREATED_AT,
      disabledAt: CREATED_AT,
    });
  });

  test('still takes the organisations that the previous release makes while it is rolled', async () => {
    const before = Date.now() - 60_000;
    await run(INSERT, ['org_new', 'New', 'free', CREATED_AT, null]);
    const made = await find('org_new');
    expect(made).toMatchObject({ name: 'New', createdAt: CREATED_AT, ...defaults });
    // Later than its creation says: whoever asks what changed lately is told of it.
    expect(made?.updatedAt.getTime()).toBeGreaterThan(before);
  });

  test('leaves everybody signed in, and whom the previous release adds while it is rolled', async () => {
    await run(INSERT_ACCOUNT, ['user_new', 'new@example.com', 'New', CREATED_AT]);
    const storage = openPostgres({ url: database.url });
    try {
      for (const id of ['user_old', 'user_new'])
        expect(await storage.accounts.find(id)).toMatchObject({ signInGeneration: 0 });
    } finally {
      await storage.close();
    }
  });

  test('tells which organisations the previous release has disabled lately, while it is rolled', async () => {
    for (const id of ['org_stopped', 'org_running']) await run(INSERT, [id, 'A', 'free', CREATED_AT, null]);
    const storage = openPostgres({ url: database.url });
    try {
      const since = new Date(Date.now() + 60_000);
      expect(await storage.organizations.listChangedSince(since)).toEqual([]);
      await run(DISABLE, ['org_stopped', since]);
      const changed = await storage.organizations.listChangedSince(since);
      expect(changed).toMatchObject([{ id: 'org_stopped', disabledAt: since }]);
      expect(changed[0]?.updatedAt.getTime()).toBeLessThan(since.getTime());
    } finally {
      await storage.close();
    }
  });
});

test('a migration that waits for its turn at the audit log keeps nobody from anything else', async () => {
  const database = await createDatabase(inject('postgresUrl'));
  const pool = createPgPool({ url: database.url });
  const [writer, other] = [await pool.connect(), await pool.connect()];
  try {
    await migrate(pool, PREVIOUS);
    await writer.script(`begin; insert into audit_events (id, at, action, result, actor_type, details)
      values ('event_1', now(), 'a', 'success', 'operator', '{}')`);
    const migrating = migrate(pool, readMigrations());
    await vi.waitFor(async () => {
      const { rows } = await other.query(WAITING, ['Lock']);
      expect(rows).toHaveLength(1);
    });
    await other.query(INSERT, ['org_meanwhile', 'A', 'free', CREATED_AT, null]);
    await other.query('select id from clients where id = $1', ['client_1']);
    await writer.script('commit');
    expect(await migrating).toHaveLength(readMigrations().length - PREVIOUS.length);
  } finally {
    for (const connection of [writer, other]) connection.release();
    await pool.end();
    await database.drop();
  }
});
