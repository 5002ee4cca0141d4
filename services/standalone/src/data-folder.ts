import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** Where everything that a standalone installation keeps is. */
export interface DataFolder {
  path: string;
  /** PGlite's files. */
  database: string;
  /** There while the first database is made. */
  unfinishedMark: string;
  secrets: string;
  /** What a script needs to know to use this installation. */
  description: string;
  log: string;
}

/** Nobody but its owner may look inside: it holds keys and passwords. */
const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;

export async function openDataFolder(folder: string): Promise<DataFolder> {
  const path = resolve(folder);
  await mkdir(path, { recursive: true, mode: PRIVATE_FOLDER });
  // It may have been there, with other rights.
  await chmod(path, PRIVATE_FOLDER);
  return {
    path,
    database: join(path, 'db'),
    unfinishedMark: join(path, 'db.unfinished'),
    secrets: join(path, 'secrets.json'),
    description: join(path, 'standalone.json'),
    log: join(path, 'standalone.log'),
  };
}

/** Readers see the old file or the new one, never half of either. */
export async function writePrivateJson(path: string, value: unknown): Promise<void> {
  const unfinished = `${path}.unfinished`;
  await writeFile(unfinished, `${JSON.stringify(value, null, 2)}\n`, { mode: PRIVATE_FILE });
  await chmod(unfinished, PRIVATE_FILE);
  await rename(unfinished, path);
}
