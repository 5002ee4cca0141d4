import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  createDatabase,
  startRedis,
  type TestDatabase,
  type TestServer,
} from '../../../infra/test/servers.ts';
import { repositoryRoot } from '../architecture/repository.ts';
import { commandLine } from './compose.ts';
import { compose, environmentOf, makeSecrets } from './container.ts';

/** Containers' commands as plain processes: the image's stores and ports are replaced, nothing else. */
let secretsFolder: string;
let database: TestDatabase;
let redis: TestServer;
const onLoopback = {
  HOST: '127.0.0.1',
  PORT: '0',
  METRICS_PORT: '0',
  DRAIN_SECONDS: '1',
  TRUSTED_PROXIES: '127.0.0.1',
};

beforeAll(async () => {
  secretsFolder = makeSecrets();
  [database, redis] = await Promise.all([createDatabase(inject('postgresUrl')), startRedis()]);
  for (const [name, url] of Object.entries({ database_url: database.url, redis_url: redis.url })) {
    const file = join(secretsFolder, name);
    rmSync(file, { force: true });
    writeFileSync(file, url);
  }
  await run('migrate');
});

afterAll(async () => {
  await Promise.all([database.drop(), redis.stop()]);
  rmSync(secretsFolder, { recursive: true });
});

function commandOf(name: string): string[] {
  const service = compose.services[name];
  if (service === undefined) throw new Error(`no service ${name}`);
  return commandLine(service).slice(1);
}

function settings(name: string, changes: Record<string, string> = {}) {
  return { cwd: repositoryRoot, env: { ...environmentOf(name, secretsFolder), ...changes } };
}

async function run(name: string, args = commandOf(name)): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, args, settings(name));
  return stdout;
}

interface Started {
  port: number;
  child: ChildProcess;
}

/** Resolves when the program logs that it listens, and on which port. */
async function start(name: string, changes: Record<string, string> = {}): Promise<Started> {
  const options = settings(name, { ...onLoopback, ...changes });
  const child = spawn(process.execPath, commandOf(name), {
    ...options,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    output.push(line);
    const port = line.startsWith('{') && JSON.parse(line).port;
    if (typeof port === 'number') {
      child.stdout.resume();
      return { port, child };
    }
  }
  throw new Error(`${name} ended before it listened: ${output.join('\n')}`);
}

async function stop({ child }: Started): Promise<number | null> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = await exited;
  return code;
}

async function get(port: number, path: string, host: string, more: Record<string, string> = {}) {
  const message = request({ host: '127.0.0.1', port, path, headers: { host, ...more } }).end();
  const [response] = await once(message, 'response');
  return { status: response.statusCode, body: await json(response) };
}

/** What the proxy adds to a request that came to it by TLS. */
const THROUGH_PROXY = { 'x-forwarded-proto': 'https' };

/** The path that a container's own health check asks for. */
function healthPath(name: string): string {
  const test = compose.services[name]?.healthcheck?.test.join(' ') ?? '';
  return new URL(/'(http:[^']+)'/.exec(test)?.[1] ?? '').pathname;
}

describe('the commands of the containers', () => {
  let auth: Started;
  let api: Started;
  const jwksUri = new URL(compose.services.api?.environment.JWKS_URI ?? '');

  beforeAll(async () => {
    auth = await start('auth');
    api = await start('api', { JWKS_URI: `http://127.0.0.1:${auth.port}${jwksUri.pathname}` });
  });

  afterAll(async () => {
    for (const started of [auth, api]) started?.child.kill('SIGKILL');
  });

  it('find nothing left to migrate', async () => {
    expect(await run('migrate')).toContain('up to date');
  });

  it('answer their health checks, which name no public host', async () => {
    for (const [name, { port }] of Object.entries({ auth, api })) {
      const answer = await get(port, healthPath(name), `127.0.0.1:${port}`);
      expect(answer).toEqual({ status: 200, body: { status: 'ready' } });
    }
  });

  it('speak under the public name of the issuer, and under no other', async () => {
    const path = '/.well-known/oauth-authorization-server';
    expect(await get(auth.port, path, 'auth.localhost', THROUGH_PROXY)).toMatchObject({
      status: 200,
      body: { issuer: 'https://auth.localhost' },
    });
    expect(await get(auth.port, path, jwksUri.host, THROUGH_PROXY)).toMatchObject({ status: 421 });
  });

  it('give the API the signing keys at the address inside the network', async () => {
    const { status, body } = await get(auth.port, jwksUri.pathname, jwksUri.host);
    expect(status).toBe(200);
    const { keys } = body as { keys: { kty: string }[] };
    expect(keys.map(({ kty }) => kty).toSorted()).toEqual(['EC', 'RSA']);
  });

  it('guard the API', async () => {
    const path = '/api/v2/work-orders';
    expect(await get(api.port, path, 'api.localhost', THROUGH_PROXY)).toMatchObject({ status: 401 });
    expect(await get(api.port, path, 'api.localhost')).toMatchObject({
      status: 403,
      body: { error: 'https_required' },
    });
  });

  it('let the operator in', async () => {
    const [file = ''] = commandOf('cli');
    expect(JSON.parse(await run('cli', [file, 'org', 'list', '--json']))).toEqual([]);
  });

  it('end in order when they are told to', async () => {
    expect(await Promise.all([stop(auth), stop(api)])).toEqual([0, 0]);
  });
});
