import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
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

test('a killed process leaves every acknowledged record, and its lock is taken over', async () => {
  const dataDir = join(folder, 'killed');
  const code = `import { openPglite } from '@latchkey/storage';
    const storage = await openPglite({ dataDir: ${JSON.stringify(dataDir)} });
    await storage.migrate();
    for (let n = 1; ; n += 1) {
      await storage.organizations.create({ id: 'org_' + n, name: 'Acme', plan: 'free' });
      process.stdout.write(n + ' ');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: import.meta.dirname });
  let acknowledged = 0;
  let said = '';
  for await (const chunk of child.stdout) {
    said += chunk;
    acknowledged = said.split(' ').length - 1;
    if (acknowledged >= 20) child.kill('SIGKILL');
  }
  const storage = await openPglite({ dataDir });
  const kept = await storage.organizations.list();
  await storage.close();
  expect(acknowledged).toBeGreaterThanOrEqual(20);
  expect(kept.length).toBeGreaterThanOrEqual(acknowledged);
});

/** A process that lives until `end`, and the lock it would have written. */
async function startOwner(dataDir: string) {
  const code = `import { lockDataDir } from '../src/pglite/lock.ts';
    lockDataDir(${JSON.stringify(dataDir)});
    process.stdout.write('locked');
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: import.meta.dirname });
  await once(child.stdout, 'data');
  return {
    pid: child.pid,
    async end() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

test('a lock of a living process is respected, and the error names it; once it is gone, taken over', async () => {
  const dataDir = join(folder, 'taken');
  const owner = await startOwner(dataDir);
  expect(() => lockDataDir(dataDir)).toThrow(StorageInUseError);
  expect(() => lockDataDir(dataDir)).toThrow(`process ${owner.pid}`);
  await owner.end();
  lockDataDir(dataDir)();
  expect(existsSync(`${dataDir}.lock`)).toBe(false);
});

test("a lock whose process id is now our own or a later process's is taken over", async () => {
  const dataDir = join(folder, 'reused');
  for (const left of [`${process.pid} 1`, `${process.ppid} 1`]) {
    await writeFile(`${dataDir}.lock`, left);
    lockDataDir(dataDir)();
  }
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
