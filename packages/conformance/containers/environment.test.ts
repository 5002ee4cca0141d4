import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiEnv, checkApiEnv } from '@latchkey/api';
import { authEnv, checkAuthEnv } from '@latchkey/auth';
import { CHANGE_KEYS, CHANGE_SECRETS, READ } from '@latchkey/cli';
import { type Env, type EnvSpec, readEnv } from '@latchkey/service';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { readText } from '../architecture/repository.ts';
import { compose, environmentOf, imageVariables, makeSecrets } from './container.ts';
import { readEnvExample } from './env-file.ts';

const secretsFolder = makeSecrets();
afterAll(() => rmSync(secretsFolder, { recursive: true }));

const noCheck = () => [];
const programs: [name: string, spec: EnvSpec, check: (env: never) => string[]][] = [
  ['auth', authEnv, checkAuthEnv],
  ['api', apiEnv, checkApiEnv],
  ['migrate', READ, noCheck],
  ['cli', { ...CHANGE_SECRETS, ...CHANGE_KEYS }, noCheck],
];

/** `DATABASE_URL_FILE` names `DATABASE_URL`. */
function variableOf(name: string, spec: EnvSpec): string {
  const bare = name.replace(/_FILE$/, '');
  return bare !== name && spec[bare]?.secret ? bare : name;
}

describe.each(programs)('the container %s', (name, spec, check) => {
  const environment = compose.services[name]?.environment ?? {};

  it.each([
    ['as it comes', {}],
    ['under real names', { AUTH_HOST: 'auth.example.com', API_HOST: 'api.example.com' }],
  ])('gives the program an environment without a fault, %s', (_, hosts) => {
    expect(() =>
      readEnv(spec, environmentOf(name, secretsFolder, hosts), check as (env: Env<EnvSpec>) => string[]),
    ).not.toThrow();
  });

  it('sets only variables that the program reads', () => {
    const unknown = Object.keys(environment).filter((key) => !(variableOf(key, spec) in spec));
    expect(unknown).toEqual([]);
  });

  it('gives secrets as files that it mounts, and mounts no other', () => {
    const secrets = Object.keys(spec).filter((key) => spec[key]?.secret);
    const files = secrets.map((key) => environment[`${key}_FILE`]);
    expect(files).toEqual(secrets.map((key) => `/run/secrets/${key.toLowerCase()}`));
    expect(compose.services[name]?.secrets.toSorted()).toEqual(
      secrets.map((key) => key.toLowerCase()).toSorted(),
    );
  });
});

describe.each(programs.slice(0, 2))('infra/env/%s.env.example', (name, spec) => {
  const path = `infra/env/${name}.env.example`;
  const text = readText(path);
  const documented = readEnvExample(text);

  it('is the example of the file that the container reads', () => {
    const read = compose.services[name]?.env_file.map((file) => file.path);
    expect(read).toEqual([path.replace(/\.example$/, '')]);
  });

  it('documents every variable once, and no other', () => {
    const names = documented.map(({ name: variable }) => variableOf(variable, spec));
    expect(names.toSorted()).toEqual(Object.keys(spec).toSorted());
  });

  it('describes each in the words of the program', () => {
    for (const [key, { description, secret }] of Object.entries(spec)) {
      expect(text).toContain(`# ${description}\n# ${key}${secret ? '_FILE' : ''}=`);
    }
  });

  it('shows the default of each that is free to change', () => {
    const set = { ...imageVariables, ...compose.services[name]?.environment };
    const free = documented.filter(({ name: variable }) => !(variable in set));
    expect(free.length).toBeGreaterThan(0);
    for (const { name: variable, value } of free) {
      const byDefault = spec[variable]?.schema.safeParse(undefined).data;
      const shown = spec[variable]?.schema.parse(value || undefined);
      // An optional variable has no default to show, only a value that would be accepted.
      if (byDefault !== undefined) expect({ [variable]: shown }).toEqual({ [variable]: byDefault });
    }
  });

  it('names what compose sets above what is free to change', () => {
    const set = { ...imageVariables, ...compose.services[name]?.environment };
    const [above = ''] = text.split('--- Free to change');
    const names = readEnvExample(above).map(({ name: variable }) => variable);
    expect(names.toSorted()).toEqual(Object.keys(set).toSorted());
  });
});

describe('the secrets', () => {
  it('are made by make-secrets, each that compose names and no other', () => {
    const named = Object.entries(compose.secrets).map(([name, { file }]) => {
      expect(file).toBe(`infra/secrets/${name}`);
      return name;
    });
    expect(readdirSync(secretsFolder).toSorted()).toEqual(named.toSorted());
  });

  it('are each used by a container', () => {
    const used = new Set(Object.values(compose.services).flatMap(({ secrets }) => secrets));
    expect([...used].toSorted()).toEqual(Object.keys(compose.secrets).toSorted());
  });

  it('stay as they are when made again, behind a folder that only its owner enters', () => {
    const read = () =>
      readdirSync(secretsFolder).map((name) => readFileSync(join(secretsFolder, name), 'utf8'));
    const before = read();
    makeSecrets(secretsFolder);
    expect(read()).toEqual(before);
    expect(new Set(before).size).toBe(before.length);
    expect(statSync(secretsFolder).mode & 0o777).toBe(0o700);
  });

  it('are not made at all where openssl fails, and then are once it works, empty ones too', () => {
    const [programs, folder] = ['programs', 'secrets'].map((name) =>
      mkdtempSync(join(tmpdir(), `latchkey-${name}-`)),
    ) as [string, string];
    onTestFinished(() => {
      for (const made of [programs, folder]) rmSync(made, { recursive: true });
    });
    writeFileSync(join(programs, 'openssl'), '#!/bin/sh\nexit 127\n', { mode: 0o755 });
    expect(() => makeSecrets(folder, `${programs}:${process.env.PATH}`)).toThrow(/make-secrets/);
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(join(folder, 'pepper'), '', { mode: 0o444 });
    makeSecrets(folder);
    for (const name of readdirSync(folder))
      expect(statSync(join(folder, name)).size, name).toBeGreaterThan(0);
  });

  it('open the stores that hold the same passwords', () => {
    const secret = (name: string) => readFileSync(join(secretsFolder, name), 'utf8');
    const database = new URL(secret('database_url'));
    const { POSTGRES_USER, POSTGRES_DB } = compose.services.postgres?.environment ?? {};
    expect(database).toMatchObject({
      username: POSTGRES_USER,
      password: secret('postgres_password'),
      host: 'postgres:5432',
      pathname: `/${POSTGRES_DB}`,
    });
    expect(secret('redis_url')).toBe(`redis://:${secret('redis_password')}@redis:6379`);
  });
});

describe('the addresses', () => {
  const health = (name: string) => compose.services[name]?.healthcheck?.test.join(' ') ?? '';

  it.each(['auth', 'api'])(
    'of %s are one: its port, its health check and its place behind the proxy',
    (name) => {
      const port = compose.services[name]?.environment.PORT;
      expect(health(name)).toContain(`'http://127.0.0.1:${port}/readyz'`);
      expect(readText('infra/Caddyfile')).toContain(`reverse_proxy ${name}:${port} {`);
    },
  );

  it('that auth and api believe are those of the proxy alone', () => {
    const proxy = compose.services.caddy?.networks.front?.ipv4_address;
    expect(compose.networks.front?.ipam?.config.map(({ subnet }) => subnet)).toEqual(['172.30.240.0/24']);
    expect(proxy).toMatch(/^172\.30\.240\.\d+$/);
    for (const name of ['auth', 'api']) {
      expect(compose.services[name]?.environment.TRUSTED_PROXIES).toBe(proxy);
    }
  });

  it('that the services call themselves are those that the proxy serves', () => {
    const { AUTH_HOST, API_HOST } = compose.services.caddy?.environment ?? {};
    expect(compose.services.auth?.environment.ISSUER).toBe(`https://${AUTH_HOST}`);
    expect(compose.services.api?.environment.ISSUER).toBe(`https://${AUTH_HOST}`);
    expect(compose.services.api?.environment.API_ORIGIN).toBe(`https://${API_HOST}`);
  });
});
