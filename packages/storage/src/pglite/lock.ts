import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { StorageInUseError } from '../errors.ts';

/**
 * Takes the data folder for this process: PGlite does not notice a second one, and both would ruin the files. The
 * lock is a file beside the folder with the owner's process id; one left behind by a killed process is taken over.
 */
export function lockDataDir(dataDir: string): () => void {
  const path = `${dataDir.replace(/\/+$/, '')}.lock`;
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    const owner = Number.parseInt(readFileSync(path, 'utf8'), 10);
    if (held.has(path) || (owner !== process.pid && isAlive(owner))) {
      throw new StorageInUseError(
        `the database ${dataDir} belongs to the running process ${owner}; if that is not Latchkey, remove ${path}`,
      );
    }
    writeFileSync(path, `${process.pid}\n`, { mode: 0o600 });
  }
  held.add(path);
  return () => {
    held.delete(path);
    rmSync(path, { force: true });
  };
}

/** Locks of this process. In a container the id in a lock left behind is often our own. */
const held = new Set<string>();

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another user.
    return isCode(error, 'EPERM');
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
