/** The guard as a service outside this repository gets it: packed, installed by npm, run and compiled against. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as source from '../src/index.ts';
import * as permits from '../src/limits/permits.ts';
import { type RunningExample, startProgram } from './example-process.ts';
import { type IssuerServer, startIssuer } from './issuer-server.ts';

const AUDIENCE = 'http://api.example.test';
const root = fileURLToPath(new URL('../../../', import.meta.url));
const fixtures = fileURLToPath(new URL('packed/', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'packed-test-'));
const [project, tarballs, scratch] = [join(home, 'service'), join(home, 'tarballs'), join(home, 'tmp')];
const installed = join(project, 'node_modules/@latchkey/guard');
const ours = JSON.parse(readFileSync(join(root, 'packages/guard/package.json'), 'utf8'));
const tarballName = `latchkey-guard-${ours.version}.tgz`;
const tarball = join(tarballs, tarballName);

function run(program: string, args: readonly string[], cwd: string) {
  const env = { PATH: process.env.PATH, HOME: home, TMPDIR: scratch };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

const pack = (...args: string[]) => run(process.execPath, [join(root, 'infra/pack/main.ts'), ...args], root);

/**
 * No registry and an empty cache: jose comes from here, and whatever else npm would look for it cannot find. So an
 * install that works has asked nobody for a package of ours, whose name may be anybody's there.
 */
function install(): ReturnType<typeof run> {
  const sources = [tarball, join(root, 'node_modules/jose')].map((path) => `file:${path}`);
  return run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...sources], project);
}

beforeAll(() => {
  for (const folder of [project, scratch]) mkdirSync(folder);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  for (const file of readdirSync(fixtures)) copyFileSync(join(fixtures, file), join(project, file));
  expect(pack(tarballs)).toMatchObject({ status: 0, stderr: '' });
  expect(install()).toMatchObject({ status: 0 });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('the packed guard', () => {
  let issuer: IssuerServer;
  let service: RunningExample;
  beforeAll(async () => {
    issuer = await startIssuer();
    service = await startProgram(join(project, 'service.js'), { ISSUER: issuer.url, AUDIENCE });
  });
  afterAll(async () => {
    await service.stop();
    issuer.close();
  });
  const call = (token: string) => fetch(service.url, { headers: { authorization: `Bearer ${token}` } });

  test('answers nobody without credentials', async () => {
    const response = await fetch(service.url);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain(
      'Bearer resource_metadata="http://api.example.test',
    );
  });

  test('answers who brings a token of the issuer, and nobody without its scope or with another API’s', async () => {
    const response = await call(await issuer.token({ aud: AUDIENCE }));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ organization: 'org_1' });
    expect((await call(await issuer.token({ aud: AUDIENCE, scope: 'other' }))).status).toBe(403);
    expect((await call(await issuer.token({ aud: 'http://other.test' }))).status).toBe(401);
  });

  test('says its types to a compiler that checks every declaration', () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const typeRoots = join(root, 'node_modules/@types');
    expect(run(process.execPath, [tsc, '-p', project, '--typeRoots', typeRoots], project)).toMatchObject({
      status: 0,
      stdout: '',
    });
  });

  test('offers what the sources offer, to `require` as well', () => {
    const { stdout } = run(process.execPath, ['doors.cjs'], project);
    expect(JSON.parse(stdout)).toEqual([source, permits].map((door) => Object.keys(door).sort()));
  });
});

describe('the tarball', () => {
  test('holds JavaScript, declarations, manifests, licence and README, and nothing else', () => {
    const entries = readdirSync(installed, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
    const strangers = paths.filter((path) => !WELCOME.test(path.slice(installed.length + 1)));
    expect(strangers).toEqual([]);
    expect(paths.length).toBeGreaterThan(50);
    expect(paths.filter((path) => readFileSync(path, 'utf8').includes(root))).toEqual([]);
  });

  test('needs jose in the version that is tested here, and no package of ours', () => {
    const theirs = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    const { name, version, license, type } = ours;
    expect(theirs).toEqual({
      ...{ name, version, license, type },
      exports: expect.objectContaining({ '.': { types: './dist/index.d.ts', default: './dist/index.js' } }),
      engines: { node: '>=22.12' },
      dependencies: { jose: ours.dependencies.jose },
    });
  });

  test('is the same to the byte when it is made again, and lies where the command says', () => {
    const again = join(home, 'again', tarballName);
    const { stdout } = pack(join(home, 'again'));
    expect(stdout).toBe(`${again}\nIn the service's folder: npm install ${again}\n`);
    expect(readFileSync(again).equals(readFileSync(tarball))).toBe(true);
  });
});

const WELCOME = /^(LICENSE|README\.md|package\.json|dist\/[a-z0-9/-]+\.(js|d\.ts))$/;

describe('the command', () => {
  /** Node keeps compiled npm there, as after every call of npm. */
  const leftovers = () => readdirSync(scratch).filter((name) => name !== 'node-compile-cache');

  test('leaves nothing behind', () => {
    expect(leftovers()).toEqual([]);
  });

  test('makes the file that the README has a service install', () => {
    const readme = readFileSync(join(root, 'packages/guard/README.md'), 'utf8');
    expect(readme.match(/latchkey-guard-[^\s`]*\.tgz/g)).toEqual([tarballName]);
  });

  test.each([[['a', 'b']], [['--help']]])('does nothing for %j but say how it is called', (args) => {
    const usage = 'Usage: npm run pack [-- folder]\n';
    expect(pack(...args)).toEqual({ status: 2, stdout: '', stderr: usage });
  });

  test('says what is in the way of the folder', () => {
    const file = join(home, 'file');
    writeFileSync(file, '');
    const { status, stderr } = pack(file);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^EEXIST: .*file/);
    expect(stderr.split('\n')).toHaveLength(2);
    expect(leftovers()).toEqual([]);
  });
});
