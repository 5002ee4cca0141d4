/** Where the programs that tests need are, on the PATH or in the places packagers keep them off it. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export function findProgram(names: readonly string[], folders: readonly string[] = []): string | undefined {
  return findPrograms(names, folders).next().value;
}

function* findPrograms(names: readonly string[], folders: readonly string[]): Generator<string, undefined> {
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const name of names) {
    for (const folder of [...path, ...folders]) {
      const candidate = join(folder, name);
      if (isExecutable(candidate)) yield candidate;
    }
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

export function findRedis(): string | undefined {
  return findProgram(['redis-server']);
}

export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
}

/** initdb and postgres refuse to work with each other across versions, so both come from one folder. */
export function findPostgres(): PostgresPrograms | undefined {
  const postgres = findProgram(['postgres'], postgresFolders());
  if (postgres === undefined) return undefined;
  const initdb = join(postgres, '..', 'initdb');
  return isExecutable(initdb) ? { initdb, postgres } : undefined;
}

function postgresFolders(): string[] {
  const homes = [
    { parent: '/usr/lib/postgresql', pattern: /^\d+$/ },
    { parent: '/usr', pattern: /^pgsql-\d+$/ },
    { parent: '/opt/homebrew/opt', pattern: /^postgresql(@\d+)?$/ },
    { parent: '/usr/local/opt', pattern: /^postgresql(@\d+)?$/ },
  ];
  return homes.flatMap(({ parent, pattern }) =>
    list(parent)
      .filter((name) => pattern.test(name))
      .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
      .map((name) => join(parent, name, 'bin')),
  );
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

export function findChromium(): string | undefined {
  const named = process.env.CHROMIUM_PATH;
  if (named !== undefined && isExecutable(named)) return named;
  return findProgram(
    ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'Google Chrome'],
    ['/Applications/Google Chrome.app/Contents/MacOS'],
  );
}

/** A system's package serves the system's Python, which may stand behind another one on the PATH. */
export function findPythonWithRequests(): string | undefined {
  for (const python of findPrograms(['python3'], ['/usr/bin'])) {
    if (spawnSync(python, ['-c', 'import requests'], { stdio: 'ignore' }).status === 0) return python;
  }
  return undefined;
}
