import pg from 'pg';
import { StorageUnavailableError } from '../errors.ts';
import type { SqlConnection, SqlPool } from './dialect.ts';
import { isReadOnly, mapDatabaseError } from './errors.ts';

export interface PoolOptions {
  /** `postgres://user:password@host:port/database`, with the `sslmode` and other parameters libpq knows. */
  url: string;
  /** Most connections this process holds. */
  poolSize?: number;
  /** Shown in `pg_stat_activity`. */
  applicationName?: string;
  /**
   * Longest a statement may run, and about as long as a server that went silent goes unnoticed. Meant for requests;
   * programs that change many rows at once, with a person waiting, give more.
   */
  statementTimeoutMs?: number;
}

/**
 * How long a request waits for a connection, be it new or another request's: then the database counts as away. It
 * leaves room for one lost packet, which TCP sends again after a second.
 */
const CONNECT_TIMEOUT_MS = 2_000;
const STATEMENT_TIMEOUT_MS = 3_000;
/** The client's own limit is for a server that went silent: so much after the server's, whose answer says more. */
const ANSWER_DELAY_MS = 500;
/**
 * A process that stands still in a transaction holds its rows, and so whoever revokes what they are. Ours wait for
 * nobody within one, so that any other pause is shorter.
 */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 5_000;
/** Statements that a connection may hold prepared. Beyond that (odd filters) they are parsed each time. */
const MOST_PREPARED = 300;

export function createPgPool({
  url,
  poolSize = 10,
  applicationName = 'latchkey',
  statementTimeoutMs = STATEMENT_TIMEOUT_MS,
}: PoolOptions): SqlPool {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
  });
  // Without listeners a connection that the server drops would end the process, idle (pool) or lent out (client).
  // The pool has taken it out by then, and whoever holds it hears of it from its query.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  const names = new Map<string, string>();
  let ending: Promise<void> | undefined;
  return {
    async connect() {
      // Whatever keeps us from a connection, a refused password and a closed database too, is not the request's fault.
      const client = await pool.connect().catch((error: unknown) => {
        throw new StorageUnavailableError('no connection to PostgreSQL', { cause: error });
      });
      return toConnection(client, names, statementTimeoutMs + ANSWER_DELAY_MS);
    },
    end() {
      ending ??= pool.end();
      return ending;
    },
  };
}

function toConnection(
  client: pg.PoolClient,
  names: Map<string, string>,
  queryTimeoutMs: number,
): SqlConnection {
  let unfit: unknown;
  const run = async <R extends pg.QueryResultRow>(query: TimedQuery) => {
    // The rollback that follows a failure would wait as long again; the server rolls back when the connection ends.
    if (unfit) throw new StorageUnavailableError('the connection to PostgreSQL is unfit', { cause: unfit });
    try {
      return await client.query<R>(query);
    } catch (error) {
      if (isSilence(error) || isReadOnly(error)) unfit = error;
      throw mapDatabaseError(error);
    }
  };
  return {
    async query<R>(text: string, parameters: readonly unknown[]) {
      const result = await run({
        ...nameOf(text, parameters, names),
        text,
        values: [...parameters],
        query_timeout: queryTimeoutMs,
      });
      return { rows: result.rows as R[], affected: result.command === 'SELECT' ? 0 : (result.rowCount ?? 0) };
    },
    async script(text) {
      await run({ text });
    },
    // One that still owes an answer must not serve the next request, and a new one may reach the primary where this
    // one holds on to a standby.
    release: () => client.release(unfit !== undefined),
  };
}

function isSilence(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}

interface TimedQuery extends pg.QueryConfig {
  query_timeout?: number;
}

/**
 * The name under which a statement is prepared. Not where a column list is left to the server (`*`): a later
 * migration would change it, and PostgreSQL refuses to run a prepared statement whose columns changed.
 */
function nameOf(text: string, parameters: readonly unknown[], names: Map<string, string>): { name?: string } {
  if (parameters.length === 0 || text.includes('*')) return {};
  const known = names.get(text);
  if (known) return { name: known };
  if (names.size >= MOST_PREPARED) return {};
  const name = `latchkey_${names.size}`;
  names.set(text, name);
  return { name };
}
