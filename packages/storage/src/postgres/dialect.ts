import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';

export interface SqlResult<R> {
  rows: R[];
  /** Rows written; zero for a select. */
  affected: number;
}

export interface SqlConnection {
  query<R>(text: string, parameters: readonly unknown[]): Promise<SqlResult<R>>;
  /** Runs several statements in one go. */
  script(text: string): Promise<void>;
  release(): void;
}

/** All that Latchkey asks of a PostgreSQL: the pg package's pool and PGlite each fill it. */
export interface SqlPool {
  connect(): Promise<SqlConnection>;
  end(): Promise<void>;
}

/** PostgreSQL's own dialect of Kysely over a `SqlPool`. */
export function createDialect(pool: SqlPool): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createDriver: () => createDriver(pool),
  };
}

interface PooledConnection extends DatabaseConnection {
  release(): void;
}

function createDriver(pool: SqlPool): Driver {
  const run = async (connection: DatabaseConnection, statement: string) => {
    await connection.executeQuery(CompiledQuery.raw(statement));
  };
  return {
    init: async () => {},
    acquireConnection: async () => toKysely(await pool.connect()),
    beginTransaction: (connection) => run(connection, 'begin'),
    commitTransaction: (connection) => run(connection, 'commit'),
    rollbackTransaction: (connection) => run(connection, 'rollback'),
    releaseConnection: async (connection) => (connection as PooledConnection).release(),
    destroy: () => pool.end(),
  };
}

function toKysely(connection: SqlConnection): PooledConnection {
  return {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      const { rows, affected } = await connection.query<R>(query.sql, query.parameters);
      return { rows, numAffectedRows: BigInt(affected) };
    },
    // biome-ignore lint/correctness/useYield: nothing in Latchkey streams rows.
    async *streamQuery() {
      throw new Error('streaming is not supported');
    },
    release: () => connection.release(),
  };
}
