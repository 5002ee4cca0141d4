import { openPostgres, SchemaTooNewError, SchemaTooOldError } from '@latchkey/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../infra/test/servers.ts';
import type { SqlPool } from '../src/postgres/dialect.ts';
import { checkSchema, type Migration, migrate, readMigrations } from '../src/postgres/migrate.ts';
import { createPgPool } from '../src/postgres/pool.ts';

const migration = (version: number, sql: string, breaking = false): Migration => ({
  version,
  name: `000${version}_test`,
  breaking,
  sql,
});
const FIRST = migration(1, 'create table first (id int)');
const SECOND = migration(2, 'create table second (id int); insert into second values (1)');

describe('migrations', () => {
  let database: TestDatabase;
  let pool: SqlPool;
  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl'));
    pool = createPgPool({ url: database.url });
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
  beforeEach(() => run('drop schema public cascade; create schema public'));

  const run = async (script: string) => {
    const connection = await pool.connect();
    try {
      await connection.script(script);
    } finally {
      connection.release();
    }
  };
  const tables = async () => {
    const connection = await pool.connect();
    try {
      const { rows } = await connection.query<{ name: string }>(
        `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
        [],
      );
      return rows.map(({ name }) => name);
    } finally {
      connection.release();
    }
  };

  test('run in order, each once, and the next release runs only its own', async () => {
    expect(await migrate(pool, [FIRST])).toEqual(['0001_test']);
    await expect(checkSchema(pool, [FIRST, SECOND])).rejects.toThrow(SchemaTooOldError);
    expect(await migrate(pool, [FIRST, SECOND])).toEqual(['0002_test']);
    expect(await migrate(pool, [FIRST, SECOND])).toEqual([]);
    await checkSchema(pool, [FIRST, SECOND]);
  });

  test('one that fails leaves nothing of its run behind', async () => {
    await expect(migrate(pool, [FIRST, SECOND, migration(3, 'select nonsense')])).rejects.toThrow('nonsense');
    expect(await tables()).toEqual([]);
    expect(await migrate(pool, [FIRST, SECOND])).toEqual(['0001_test', '0002_test']);
  });

  test('the previous release keeps working on the next schema, unless that is marked breaking', async () => {
    await migrate(pool, [FIRST, SECOND]);
    await checkSchema(pool, [FIRST]);
    expect(await migrate(pool, [FIRST])).toEqual([]);
    await migrate(pool, [FIRST, SECOND, migration(3, 'create table third (id int)', true)]);
    await expect(checkSchema(pool, [FIRST, SECOND])).rejects.toThrow(SchemaTooNewError);
    await expect(migrate(pool, [FIRST, SECOND])).rejects.toThrow(SchemaTooNewError);
  });

  test('a breaking migration stays breaking when others follow it', async () => {
    const breaking = migration(2, 'create table second (id int)', true);
    await migrate(pool, [FIRST, breaking, migration(3, 'create table third (id int)')]);
    await expect(checkSchema(pool, [FIRST])).rejects.toThrow(/0002_test/);
  });

  test('eight migrators at once on separate connections: one runs, seven wait and find it done', async () => {
    const storages = Array.from({ length: 8 }, () => openPostgres({ url: database.url, poolSize: 1 }));
    const ran = await Promise.all(storages.map((storage) => storage.migrate()));
    expect(ran.filter((names) => names.length > 0)).toHaveLength(1);
    await Promise.all(storages.map((storage) => storage.close()));
  });

  test('the files are numbered without gap or repeat', () => {
    const versions = readMigrations().map(({ version }) => version);
    expect(versions).toEqual(versions.map((_, index) => index + 1));
  });
});
