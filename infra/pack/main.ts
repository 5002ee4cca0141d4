/** `npm run pack [-- folder]`: makes the tarball by which a service outside this repository installs the guard. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { manifestOf, readWorkspace } from './manifest.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const guard = join(root, 'packages/guard');
const protocol = join(root, 'packages/protocol');

/** Runs a program to its end and answers what it wrote; its complaint is the error. */
function run(name: string, [program, ...args]: readonly [string, ...string[]], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${name} cannot be started: ${error.message}`);
  if (status !== 0) throw new Error(`${name} failed:\n${`${stdout}${stderr}`.trimEnd()}`);
  return stdout;
}

function compile(into: string): void {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  if (!existsSync(tsc)) throw new Error('TypeScript is not installed: run `npm ci` first');
  run('tsc', [process.execPath, tsc, '-p', join(root, 'infra/pack'), '--outDir', into], root);
}

/** Lays the package out as npm will unpack it, protocol in a folder among the guard's own. */
function layOut(built: string, stage: string): void {
  const dist = join(stage, 'dist');
  const [outer, inner] = [readWorkspace(guard), readWorkspace(protocol)];
  cpSync(join(built, 'guard/src'), dist, { recursive: true });
  enter(inner.name, './protocol/index.js', dist);
  cpSync(join(built, 'protocol/src'), join(dist, 'protocol'), { recursive: true });
  writeFileSync(join(stage, 'package.json'), manifestOf(outer, inner));
  copyFileSync(join(guard, 'README.md'), join(stage, 'README.md'));
  copyFileSync(join(root, 'LICENSE'), join(stage, 'LICENSE'));
}

/** Has every module in `dist` import what it imported by `name` from the module at `door` instead. */
function enter(name: string, door: string, dist: string): void {
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const up = relative(entry.parentPath, dist).replaceAll(sep, '/');
    const path = up === '' ? door : posix.join(up, door);
    const text = readFileSync(file, 'utf8').replaceAll(` from '${name}'`, ` from '${path}'`);
    if (text.includes(`'${name}`) || text.includes(`"${name}`))
      throw new Error(`${file} imports ${name} in another way`);
    writeFileSync(file, text);
  }
}

/** npm gives every file in a tarball the same date and mode: the same sources make the same bytes. */
function packStage(stage: string, target: string): string {
  mkdirSync(target, { recursive: true });
  // Under `npm run` this very npm; on Windows a bare `npm` is no program.
  const npm = process.env.npm_execpath;
  const command = npm === undefined ? (['npm'] as const) : ([process.execPath, npm] as const);
  const options = ['--pack-destination', target, '--ignore-scripts', '--loglevel', 'error', '--json'];
  const answer = JSON.parse(run('npm pack', [...command, 'pack', ...options], stage)) as unknown;
  // A list in npm 10, by name in npm 11.
  const packed = Object.values(answer as Record<string, { filename: string }>)[0];
  if (packed === undefined) throw new Error('npm pack made no tarball');
  return join(target, packed.filename);
}

function pack(target: string): string {
  const work = mkdtempSync(join(tmpdir(), 'latchkey-pack-'));
  try {
    const [built, stage] = [join(work, 'built'), join(work, 'package')];
    compile(built);
    layOut(built, stage);
    return packStage(stage, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function main([folder = join(root, 'packed'), ...more]: readonly string[]): number {
  if (more.length > 0 || folder.startsWith('-')) {
    process.stderr.write('Usage: npm run pack [-- folder]\n');
    return 2;
  }
  try {
    const tarball = pack(resolve(folder));
    process.stdout.write(`${tarball}\nIn the service's folder: npm install ${tarball}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

process.exitCode = main(process.argv.slice(2));
