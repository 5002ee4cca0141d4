import { readdirSync, readFileSync } from 'node:fs';
import { SchemaTooNewError, SchemaTooOldError } from '../errors.ts';
import type { SqlConnection, SqlPool } from './dialect.ts';

export interface Migration {
  version: number;
  /** The file's name without `.sql`. */
  name: string;
  /** Whether releases that do not know it must not run on its schema: `-- breaking: true` at the file's top. */
  breaking: boolean;
  sql: string;
}

const FOLDER = new URL('../migrations/', import.meta.url);
const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;
/** Any fixed number: what migrators of all processes lock. */
const LOCK_KEY = 5_282_001;

export function readMigrations(folder: URL = FOLDER): Migration[] {
  return readdirSync(folder)
    .toSorted()
    .map((file) => {
      const version = FILE_NAME.exec(file)?.[1];
      const sql = readFileSync(new URL(file, folder), 'utf8');
      const breaking = /^-- breaking: (true|false)\n/.exec(sql)?.[1];
      if (!version || !breaking)
        throw new Error(`${file} needs a name like 0001_words.sql and a breaking line`);
      return { version: Number(version), name: file.slice(0, -4), breaking: breaking === 'true', sql };
    });
}

/** Runs what is missing in one transaction: all of it, or none. Concurrent migrators wait and find it done. */
export async function migrate(pool: SqlPool, migrations: Migration[]): Promise<string[]> {
  const connection = await pool.connect();
  try {
    await connection.script('begin');
    // The wait for the lock and a long migration are no runaway statements.
    await connection.script('set local statement_timeout = 0');
    await connection.script(`select pg_advisory_xact_lock(${LOCK_KEY})`);
    await connection.script(`create table if not exists schema_migrations
      (version integer primary key, name text not null, breaking boolean not null, applied_at timestamptz not null)`);
    const ran = await runMissing(connection, migrations);
    await connection.script('commit');
    return ran;
  } catch (error) {
    // Where the connection is what failed, the server rolls back by itself.
    await connection.script('rollback').catch(() => {});
    throw error;
  } finally {
    connection.release();
  }
}

async function runMissing(connection: SqlConnection, migrations: Migration[]): Promise<string[]> {
  const applied = await readApplied(connection);
  refuseNewer(applied, migrations);
  const done = new Set(applied.map(({ version }) => version));
  const missing = migrations.filter(({ version }) => !done.has(version));
  for (const { version, name, breaking, sql } of missing) {
    await connection.script(sql);
    await connection.query(
      'insert into schema_migrations (version, name, breaking, applied_at) values ($1, $2, $3, now())',
      [version, name, breaking],
    );
  }
  return missing.map(({ name }) => name);
}

/** Throws `SchemaTooNewError` or `SchemaTooOldError` unless this release can work with the schema as it is. */
export async function checkSchema(pool: SqlPool, migrations: Migration[]): Promise<void> {
  const connection = await pool.connect();
  try {
    const { rows } = await connection.query<{ present: boolean }>(
      "select to_regclass('schema_migrations') is not null as present",
      [],
    );
    const applied = rows[0]?.present ? await readApplied(connection) : [];
    refuseNewer(applied, migrations);
    const done = new Set(applied.map(({ version }) => version));
    const missing = migrations.filter(({ version }) => !done.has(version)).map(({ name }) => name);
    if (missing.length > 0)
      throw new SchemaTooOldError(`run "latchkey migrate": ${missing.join(', ')} missing`);
  } finally {
    connection.release();
  }
}

interface Applied {
  version: number;
  name: string;
  breaking: boolean;
}

async function readApplied(connection: SqlConnection): Promise<Applied[]> {
  const { rows } = await connection.query<Applied>(
    'select version, name, breaking from schema_migrations order by version',
    [],
  );
  return rows;
}

function refuseNewer(applied: Applied[], migrations: Migration[]): void {
  const newest = migrations.at(-1)?.version ?? 0;
  const beyond = applied.findLast(({ version, breaking }) => breaking && version > newest);
  if (beyond) {
    throw new SchemaTooNewError(
      `the schema has ${beyond.name}, which this release does not know: upgrade it`,
    );
  }
}
