import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { type DurableStorage, openPglite } from '@latchkey/storage';
import type { DataFolder } from './data-folder.ts';

/**
 * Opens the embedded database on the schema of this release. A mark stands beside the first one until it is whole:
 * what a start that was cut short leaves behind is made anew, and never taken for a database.
 */
export async function openDatabase(folder: DataFolder, say: (text: string) => void): Promise<DurableStorage> {
  const { database, unfinishedMark } = folder;
  if (existsSync(unfinishedMark)) await rm(database, { recursive: true, force: true });
  if (existsSync(database)) return openMigrated(database);
  say('Preparing the database (first start only, a few seconds)…');
  await writeFile(unfinishedMark, '');
  const durable = await openMigrated(database);
  await rm(unfinishedMark);
  return durable;
}

async function openMigrated(dataDir: string): Promise<DurableStorage> {
  const durable = await openPglite({ dataDir });
  try {
    await durable.migrate();
    return durable;
  } catch (error) {
    await durable.close();
    throw error;
  }
}
