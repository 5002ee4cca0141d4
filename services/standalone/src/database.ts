import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { type DurableStorage, openPglite } from '@latchkey/storage';
import type { DataFolder } from './data-folder.ts';

/**
 * Opens the embedded database on the schema of this release. The first one is made beside its place and moved there
 * when it is whole: a start that is cut short leaves nothing that the next could mistake for a database.
 */
export async function openDatabase(folder: DataFolder, say: (text: string) => void): Promise<DurableStorage> {
  if (!existsSync(folder.database)) {
    say('Preparing the database (first start only, a few seconds)…');
    await rm(folder.unfinishedDatabase, { recursive: true, force: true });
    const unfinished = await openPglite({ dataDir: folder.unfinishedDatabase });
    await unfinished.migrate();
    await unfinished.close();
    await rename(folder.unfinishedDatabase, folder.database);
  }
  const durable = await openPglite({ dataDir: folder.database });
  await durable.migrate();
  return durable;
}
