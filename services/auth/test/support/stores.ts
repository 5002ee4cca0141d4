import { type DurableStorage, openPostgres, openRedis, type SharedStorage } from '@latchkey/storage';
import { inject } from 'vitest';
import { createDatabase } from '../../../../infra/test/servers.ts';

export interface TestStores {
  durable: DurableStorage;
  /** Connections of their own to the same Redis: one for each server. */
  shared: SharedStorage[];
  close(): Promise<void>;
}

let count = 0;

/** A database and a key space of their own, on the run's PostgreSQL and Redis. */
export async function openStores(now?: () => Date): Promise<TestStores> {
  const database = await createDatabase(inject('postgresUrl'));
  const durable = openPostgres({ url: database.url, ...(now && { now }) });
  await durable.migrate();
  const keyPrefix = `auth-${process.pid}-${count++}:`;
  const shared = [0, 1].map(() => openRedis({ url: inject('redisUrl'), keyPrefix }));
  return {
    durable,
    shared,
    async close() {
      await Promise.all([durable.close(), ...shared.map((store) => store.close())]);
      await database.drop();
    },
  };
}
