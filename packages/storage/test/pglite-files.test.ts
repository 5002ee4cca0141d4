import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openPglite, StorageInUseError } from '@latchkey/storage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockDataDir } from '../src/pglite/lock.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-pglite-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a folder keeps its records, belongs to one opener at a time, and is its owner's alone", async () => {
  const dataDir = join(folder, 'data', 'database');
  const first = await openPglite({ dataDir });
  await first.migrate();
  await first.organizations.create({ id: 'org_1', name: 'Acme', plan: 'free' });
  await expect(openPglite({ dataDir })).rejects.toThrow(StorageInUseError);
  expect((await stat(dataDir)).mode & 0o077).toBe(0);
  await first.close();
  const second = await openPglite({ dataDir });
  expect((await second.organizations.find('org_1'))?.name).toBe('Acme');
  expect(await second.migrate()).toEqual([]);
  await second.close();
  expect(existsSync(`${dataDir}.lock`)).toBe(false);
});

test('a lock left behind by a process that is gone is taken over', async () => {
  const dataDir = join(folder, 'left');
  const gone = promisify(execFile)(process.execPath, ['-e', '']);
  await gone;
  await writeFile(`${dataDir}.lock`, `${gone.child.pid}\n`);
  lockDataDir(dataDir)();
  expect(existsSync(`${dataDir}.lock`)).toBe(false);
});

test('a lock left behind under our own process id is taken over, as happens in containers', async () => {
  const dataDir = join(folder, 'container');
  await writeFile(`${dataDir}.lock`, `${process.pid}\n`);
  lockDataDir(dataDir)();
});

test('a lock of a living process is respected, and the error names it', async () => {
  const dataDir = join(folder, 'taken');
  await writeFile(`${dataDir}.lock`, `${process.ppid}\n`);
  expect(() => lockDataDir(dataDir)).toThrow(StorageInUseError);
  expect(() => lockDataDir(dataDir)).toThrow(String(process.ppid));
});

test('importing the package does not load the embedded database', async () => {
  const code = `import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    await import('@latchkey/storage');
    process.stdout.write(JSON.stringify(loaded));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
    cwd: import.meta.dirname,
  });
  const loaded: string[] = JSON.parse(stdout);
  expect(loaded.some((url) => url.includes('/pglite/index.ts'))).toBe(true);
  expect(loaded.filter((url) => url.includes('@electric-sql'))).toEqual([]);
});
