import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { StorageInUseError } from '../errors.ts';

/**
 * Takes the data folder for this process: PGlite does not notice a second one, and both would ruin the files. The
 * lock is a file beside the folder that says who the owner is; one left behind by a killed process is taken over.
 */
export function lockDataDir(dataDir: string): () => void {
  const path = `${dataDir.replace(/\/+$/, '')}.lock`;
  const owner = identify(process.pid) ?? String(process.pid);
  try {
    writeFileSync(path, owner, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    const found = readFileSync(path, 'utf8').trim();
    const pid = Number.parseInt(found, 10);
    if (held.has(path) || (pid !== process.pid && identify(pid) === found)) {
      throw new StorageInUseError(
        `it belongs to the running process ${pid}; if that is not Latchkey, remove ${path}`,
      );
    }
    writeFileSync(path, owner, { mode: 0o600 });
  }
  held.add(path);
  return () => {
    held.delete(path);
    rmSync(path, { force: true });
  };
}

/** Locks of this process. In a container the id in a lock left behind is often our own. */
const held = new Set<string>();

/**
 * A running process by its id and, on Linux, when it started: after a restart of the machine the id is soon another
 * process's. Undefined when there is none, or it has ended and waits for its parent to notice (state Z).
 */
function identify(pid: number): string | undefined {
  if (!Number.isInteger(pid) || !isAlive(pid)) return undefined;
  if (process.platform !== 'linux') return String(pid);
  try {
    // proc_pid_stat(5): the name, field 2, may hold anything but ends at the last parenthesis.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startedAt] = [fields[0], fields[19]];
    return state === 'Z' || state === 'X' ? undefined : `${pid} ${startedAt}`;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
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
