import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { findPostgres, type PostgresPrograms } from './programs.ts';
import { startServer, type TestServer } from './server-process.ts';

const run = promisify(execFile);

interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/** A cluster of its own in a temporary folder, trusting everyone on loopback; the URL is the superuser's. */
export async function startPostgres(): Promise<TestServer> {
  const programs = findPostgres();
  if (programs === undefined) throw new Error('PostgreSQL is not installed: run `npm run pretest`');
  const owner = await findOwner();
  const folder = await createCluster(programs, owner);
  return startServer({
    name: 'PostgreSQL',
    program: programs.postgres,
    folder,
    ...owner,
    args: (port) => serverArgs(folder, port),
    url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
    probe: (port) => execute(`postgres://postgres@127.0.0.1:${port}/postgres`, 'select 1'),
  });
}

/** PostgreSQL refuses to run as root; its packages create a user for it. */
async function findOwner(): Promise<Owner> {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'postgres'])).stdout)),
  );
  if (uid === undefined || gid === undefined) throw new Error('no user to run PostgreSQL as');
  return { uid, gid };
}

async function createCluster({ initdb }: PostgresPrograms, owner: Owner): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-postgres-'));
  try {
    if (owner.uid !== undefined && owner.gid !== undefined) await chown(folder, owner.uid, owner.gid);
    const flags = ['--auth=trust', '--username=postgres', '--encoding=UTF8', '--no-locale', '--no-sync'];
    await run(initdb, [...flags, '-D', join(folder, 'data')], { cwd: folder, ...owner });
    return folder;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Without fsync only a crash of the machine loses data. `synchronous_commit` stays on: with it off, a killed
 * server forgets commits that it acknowledged, and tests of exactly that would fail for no fault of ours.
 */
function serverArgs(folder: string, port: number): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 200,
    fsync: 'off',
    full_page_writes: 'off',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', join(folder, 'data'), ...flags];
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end();
  }
}

export interface TestDatabase {
  readonly url: string;
  /** Ends the sessions still in it, too. */
  drop(): Promise<void>;
}

export async function createDatabase(postgresUrl: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await execute(postgresUrl, `create database ${name}`);
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => execute(postgresUrl, `drop database if exists ${name} with (force)`),
  };
}
