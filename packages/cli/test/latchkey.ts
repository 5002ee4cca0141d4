import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type DurableStorage, openPostgres, openRedis, type SharedStorage } from '@latchkey/storage';
import { inject } from 'vitest';
import { createDatabase } from '../../../infra/test/servers.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Deployment {
  durable: DurableStorage;
  shared: SharedStorage;
  pepper: Buffer;
  encryptionKey: Buffer;
  env: Record<string, string>;
  /** Runs the command as an operator without a terminal does. */
  run(args: string[], options?: { stdin?: string; env?: Record<string, string> }): Promise<Result>;
  /** Runs it with --json and --yes; fails unless it succeeds with one document on stdout. */
  json<T = Record<string, unknown>>(...args: string[]): Promise<T>;
  close(): Promise<void>;
}

/** A migrated database of its own; Redis is shared, and its feed with other tests'. */
export async function createDeployment(): Promise<Deployment> {
  const database = await createDatabase(inject('postgresUrl'));
  const durable = openPostgres({ url: database.url });
  const shared = openRedis({ url: inject('redisUrl') });
  const pepper = randomBytes(32);
  const encryptionKey = randomBytes(32);
  const env = {
    DATABASE_URL: database.url,
    REDIS_URL: inject('redisUrl'),
    PEPPER: pepper.toString('hex'),
    ENCRYPTION_KEY: encryptionKey.toString('hex'),
  };
  await durable.migrate();
  const run: Deployment['run'] = (args, options = {}) =>
    runLatchkey(args, { ...env, ...options.env }, options.stdin);
  return {
    durable,
    shared,
    pepper,
    encryptionKey,
    env,
    run,
    async json(...args) {
      const { code, stdout, stderr } = await run([...args, '--json', '--yes']);
      if (code !== 0) throw new Error(`latchkey ${args.join(' ')} ended with ${code}: ${stderr}`);
      return JSON.parse(stdout);
    },
    async close() {
      await Promise.all([durable.close(), shared.close()]);
      await database.drop();
    },
  };
}

export async function runLatchkey(args: string[], env: Record<string, string>, stdin = ''): Promise<Result> {
  return startLatchkey(args, env, stdin).ended;
}

export interface Started {
  child: ChildProcess;
  /** What it has written so far. */
  result: Result;
  ended: Promise<Result>;
}

/** The command as a process of its own, with this environment and nothing of ours. */
export function startLatchkey(args: string[], env: Record<string, string>, stdin = ''): Started {
  const child = spawn(process.execPath, [MAIN, ...args], { env });
  const { promise, resolve } = Promise.withResolvers<Result>();
  const result: Result = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    result.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    result.stderr += chunk;
  });
  child.on('close', (code) => resolve({ ...result, code }));
  // A command that ends without reading its stdin breaks the pipe.
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  return { child, result, ended: promise };
}
