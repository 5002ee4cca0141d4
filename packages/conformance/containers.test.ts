import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { KEEP_ALIVE_MS } from '@latchkey/service';
import { describe, expect, it } from 'vitest';
import { readText, repositoryRoot } from './architecture/repository.ts';
import { commandLine, interpolate, readCompose } from './containers/compose.ts';
import { readIgnoreFile } from './containers/ignore-file.ts';

const compose = readCompose(readText('docker-compose.yml'));
const dockerfile = readText('infra/Dockerfile');
const caddyfile = readText('infra/Caddyfile');
const ignored = readIgnoreFile(readText('.dockerignore'));

const services = Object.entries(compose.services);
const ours = services.filter(([, { build }]) => build !== undefined);
/** They do their work and end. */
const oneShot = ['migrate', 'cli'];

describe('every container', () => {
  it.each(services)('%s cannot write to its image nor gain a privilege', (_, service) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
  });

  it.each(services)(
    '%s runs as a user of its own, but for the proxy that binds low ports',
    (name, service) => {
      if (name === 'caddy') expect(service.cap_add).toEqual(['NET_BIND_SERVICE']);
      else {
        expect(service.user).toMatch(/^(node|postgres|redis)$/);
        expect(service.cap_add).toEqual([]);
      }
    },
  );

  it.each(services)('%s is restarted, watched, and given time to stop', (name, service) => {
    const restart = { migrate: 'on-failure:3', cli: 'no' }[name] ?? 'unless-stopped';
    expect(service.restart).toBe(restart);
    expect(service.healthcheck !== undefined).toBe(!oneShot.includes(name));
    expect(seconds(service.stop_grace_period)).toBeGreaterThanOrEqual(30);
  });

  it.each(ours)('%s ends at a signal whatever it is doing: Node is not its first process', (_, { init }) => {
    expect(init).toBe(true);
  });

  it.each(services)('%s pins the major version of its image', (_, { image, build }) => {
    if (build === undefined) expect(image).toMatch(/^[a-z]+:\d+(\.\d+)*-[a-z]+$/);
    else expect(image).toBe('latchkey');
  });

  it.each(services)('%s waits only for services that can become what it waits for', (_, { depends_on }) => {
    for (const [name, { condition }] of Object.entries(depends_on)) {
      expect(compose.services).toHaveProperty(name);
      expect(condition).toBe(oneShot.includes(name) ? 'service_completed_successfully' : 'service_healthy');
    }
  });

  it.each(services)('%s uses declared secrets, networks and volumes', (_, service) => {
    for (const secret of service.secrets) expect(compose.secrets).toHaveProperty(secret);
    for (const network of Object.keys(service.networks)) expect(compose.networks).toHaveProperty(network);
    for (const source of service.volumes.map((volume) => volume.split(':')[0] ?? '')) {
      if (source.startsWith('./')) expect(existsSync(join(repositoryRoot, source))).toBe(true);
      else expect(Object.keys(compose.volumes)).toContain(source);
    }
  });
});

describe('docker compose up', () => {
  it('starts everything but the command line', () => {
    expect(services.filter(([, { profiles }]) => profiles.length > 0).map(([name]) => name)).toEqual(['cli']);
  });
});

describe('the network', () => {
  it('publishes the ports of Caddy for HTTP and TLS, and no other', () => {
    const published = services.flatMap(([name, { ports }]) => ports.map((port) => `${name} ${port}`));
    expect(published).toEqual(['caddy 80:80', 'caddy 443:443', 'caddy 443:443/udp']);
  });

  it('keeps the stores where only our own processes reach them', () => {
    expect(compose.networks.stores?.internal).toBe(true);
    for (const store of ['postgres', 'redis']) {
      expect(Object.keys(compose.services[store]?.networks ?? {})).toEqual(['stores']);
    }
    expect(Object.keys(compose.services.caddy?.networks ?? {})).toEqual(['front']);
  });
});

describe('the stores', () => {
  it('keep their data where the volume is', () => {
    expect(compose.services.postgres?.volumes).toEqual(['postgres-data:/var/lib/postgresql/data']);
    expect(compose.services.redis?.volumes).toEqual(['redis-data:/data']);
    expect(redisCommand()).toContain('--dir /data');
  });

  it('evict nothing when Redis is full', () => {
    expect(redisCommand()).toContain('--maxmemory-policy noeviction');
  });
});

describe('the image', () => {
  it('has the Node that package.json pins', () => {
    const pinned = JSON.parse(readText('package.json')).dependencies.node;
    expect(/^FROM node:(\S+?)-bookworm-slim$/m.exec(dockerfile)?.[1]).toBe(pinned);
    expect(readText('.node-version').trim()).toBe(pinned);
  });

  it('does not run as root', () => {
    expect([...dockerfile.matchAll(/^USER (\S+)$/gm)].map(([, user]) => user)).toEqual(['node']);
    for (const [, { user }] of ours) expect(user).toBe('node');
  });

  it.each(ours)('starts %s from a file that is in it', (_, service) => {
    expect(service.build).toEqual({ context: '.', dockerfile: 'infra/Dockerfile' });
    const [program, file = ''] = commandLine(service);
    expect(program).toBe('node');
    expect(existsSync(join(repositoryRoot, file))).toBe(true);
    expect(ignored(file)).toBe(false);
  });

  it('installs the libraries of exactly the workspaces it starts', () => {
    const installed = [...dockerfile.matchAll(/--workspace (\S+)/g)].map(([, workspace]) => workspace);
    const started = ours.map(([, service]) => commandLine(service)[1]?.split('/').slice(0, 2).join('/'));
    expect(installed.toSorted()).toEqual([...new Set(started)].toSorted());
  });

  it.each([
    ['package-lock.json', false],
    ['packages/protocol/src/index.ts', false],
    ['packages/storage/package.json', false],
    ['services/auth/src/app.ts', false],
    ['infra/secrets/database_url', true],
    ['.latchkey/standalone.json', true],
    ['.env', true],
    ['.git/config', true],
    ['node_modules/koa/package.json', true],
    ['services/api/node_modules/koa/package.json', true],
    ['packages/storage/test/a.test.ts', true],
    ['packages/conformance/architecture.test.ts', true],
  ])('decides about %s: left out is %s', (path, expected) => {
    expect(ignored(path)).toBe(expected);
  });
});

describe('the proxy', () => {
  const sites = [...caddyfile.matchAll(/^\{\$(\w+)\} \{\n([\s\S]*?)^\}$/gm)];

  it('has a site for each public service, named by the environment', () => {
    const hosts = sites.map(([, variable = '']) => variable);
    expect(hosts).toEqual(['AUTH_HOST', 'API_HOST']);
    expect(Object.keys(compose.services.caddy?.environment ?? {})).toEqual(hosts);
  });

  it.each(sites.map(([, variable = '', body = '']) => [variable, body]))('secures %s', (_, body) => {
    expect(body).toContain('import secured');
    expect(body).toContain('import forwarded');
  });

  it('gives up idle connections before the services close them', () => {
    const [, keepalive = ''] = /^\t\tkeepalive (\w+)$/m.exec(caddyfile) ?? [];
    expect(seconds(keepalive) * 1000).toBeLessThan(KEEP_ALIVE_MS);
  });

  it.each([
    'header Strict-Transport-Security "max-age=31536000"',
    'header_up X-Forwarded-For {http.request.remote.host}',
    'header_up X-Forwarded-Proto {http.request.scheme}',
    'header_up X-Forwarded-Host {http.request.hostport}',
    'header_up X-Request-Id {http.request.uuid}',
    'header_up -Forwarded',
    'header_up -X-Real-IP',
  ])('says: %s', (directive) => {
    expect(caddyfile.split('\n').map((line) => line.trim())).toContain(directive);
  });
});

function redisCommand(): string {
  return interpolate(compose.services.redis?.command?.join(' ') ?? '');
}

function seconds(period: string): number {
  const [, count, unit] = /^(\d+)(s|m)$/.exec(period) ?? [];
  return Number(count) * (unit === 'm' ? 60 : 1);
}
