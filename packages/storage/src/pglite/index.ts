import { mkdir } from 'node:fs/promises';
import { createDurableStorage } from '../postgres/index.ts';
import type { DurableStorage } from '../storage.ts';
import { lockDataDir } from './lock.ts';
import { createPglitePool } from './pool.ts';

export interface PgliteOptions {
  /** Folder of the database, made if missing. In memory where there is none. */
  dataDir?: string;
  /** Replaces the database's clock; for tests. */
  now?: () => Date;
}

const BYTEA = 17;

/** PostgreSQL inside this process, over the same SQL. A folder belongs to one process: `StorageInUseError`. */
export async function openPglite({ dataDir, now }: PgliteOptions = {}): Promise<DurableStorage> {
  // Only here: the module costs hundreds of megabytes, which a process on a real server never pays.
  const { PGlite } = await import('@electric-sql/pglite');
  if (dataDir) await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const unlock = dataDir ? lockDataDir(dataDir) : () => {};
  try {
    const database = await PGlite.create({
      ...(dataDir && { dataDir }),
      parsers: { [BYTEA]: (hex) => Buffer.from(hex.slice(2), 'hex') },
    });
    const storage = createDurableStorage(createPglitePool(database), now);
    return { ...storage, close: () => storage.close().finally(unlock) };
  } catch (error) {
    unlock();
    throw error;
  }
}
