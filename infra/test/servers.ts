/** vitest's globalSetup: one Redis and one PostgreSQL for the whole run; also the door to the starters. */
import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';
import type { TestServer } from './server-process.ts';

export { createDatabase, startPostgres, type TestDatabase } from './postgres.ts';
export { findChromium } from './programs.ts';
export { startRedis } from './redis.ts';
export type { TestServer } from './server-process.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Shared by every test of the run: use keys or a database of your own. */
    redisUrl: string;
    /** A superuser's database: create your own with `createDatabase(inject('postgresUrl'))`. */
    postgresUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = await Promise.allSettled([startRedis(), startPostgres()]);
  const running = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = started.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await stopAll(running);
    throw failed.reason;
  }
  const [redis, postgres] = running;
  if (redis === undefined || postgres === undefined) throw new Error('the test servers did not start');
  project.provide('redisUrl', redis.url);
  project.provide('postgresUrl', postgres.url);
  return () => stopAll(running);
}

async function stopAll(servers: readonly TestServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
