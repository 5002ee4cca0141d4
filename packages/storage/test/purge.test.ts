import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../infra/test/servers.ts';
import { createContext, type PostgresContext } from '../src/postgres/database.ts';
import type { SqlPool } from '../src/postgres/dialect.ts';
import { createDurableStorage } from '../src/postgres/index.ts';
import { createPgPool } from '../src/postgres/pool.ts';
import { purge } from '../src/postgres/purge.ts';

const SEED = `
  insert into revocations (subject, id, revoked_at, expires_at)
  select 'token', 'token_' || n, '2030-01-01', timestamptz '2030-01-01' + n * interval '1 day'
  from generate_series(1, 9) n`;
const BATCH_ROWS = 2;
const day = (n: number) => new Date(Date.UTC(2030, 0, 1 + n));

describe('a purge', () => {
  let database: TestDatabase;
  let pool: SqlPool;
  let context: PostgresContext;
  const statements: string[] = [];
  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl'));
    pool = createPgPool({ url: database.url });
    await createDurableStorage(pool).migrate();
    context = createContext(countStatements(pool), undefined);
    await context.query(SEED, []);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  const countStatements = (counted: SqlPool): SqlPool => ({
    ...counted,
    async connect() {
      const connection = await counted.connect();
      const query: typeof connection.query = (text, parameters) => {
        statements.push(text);
        return connection.query(text, parameters);
      };
      return { ...connection, query };
    },
  });
  const left = async () =>
    (await context.query<{ id: string }>('select id from revocations order by expires_at', [])).map(
      ({ id }) => id,
    );

  test('of much deletes a few rows with each statement, all that is over, and nothing else', async () => {
    statements.length = 0;
    expect(await purge(context, 'revocations', day(6), BATCH_ROWS)).toBe(5);
    expect(statements).toHaveLength(3);
    expect(await left()).toEqual(['token_6', 'token_7', 'token_8', 'token_9']);
    expect(await purge(context, 'revocations', day(6), BATCH_ROWS)).toBe(0);
  });

  test('leaves a row that is given a later end while the purge waits for it', async () => {
    const other = await pool.connect();
    try {
      await other.script(`begin; update revocations set expires_at = '2040-01-01' where id = 'token_6'`);
      const purging = purge(context, 'revocations', day(8), BATCH_ROWS);
      await vi.waitFor(async () => {
        const waiting =
          'select pid from pg_stat_activity where datname = current_database() and wait_event_type = $1';
        expect(await context.query(waiting, ['Lock'])).toHaveLength(1);
      });
      await other.script('commit');
      // The other of its batch goes: a purge that met a change deletes the rest when it is called again.
      expect(await purging).toBe(1);
    } finally {
      other.release();
    }
    expect(await left()).toEqual(['token_8', 'token_9', 'token_6']);
  });
});
