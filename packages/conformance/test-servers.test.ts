import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { installLine, refusal, requirements } from '../../infra/test/requirements.ts';
import { createDatabase, startPostgres, startRedis } from '../../infra/test/servers.ts';

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function redisCommand(url: string, ...command: [string, ...string[]]): Promise<unknown> {
  const redis = new Redis(url, { lazyConnect: true });
  try {
    return await redis.call(...command);
  } finally {
    redis.disconnect();
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe('the servers of a test run', () => {
  it('are a Redis and a PostgreSQL, both reachable', async () => {
    expect(await redisCommand(inject('redisUrl'), 'PING')).toBe('PONG');
    expect(await query(inject('postgresUrl'), 'show max_connections')).toEqual([{ max_connections: '200' }]);
  });

  it('give a test a database of its own and take it away with sessions still open', async () => {
    const database = await createDatabase(inject('postgresUrl'));
    const session = new Client({ connectionString: database.url });
    session.on('error', () => undefined);
    await session.connect();
    await session.query('create table note (id int)');
    await database.drop();
    await expect(query(database.url, 'select 1')).rejects.toThrow(/does not exist/);
    await session.end().catch(() => undefined);
  });
});

describe('a server that a test starts for itself', () => {
  it('Redis comes back empty on the same address after a crash, and is gone after stop', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    await redisCommand(redis.url, 'SET', 'k', 'v');
    await redis.kill();
    expect(await answers(redis.port)).toBe(false);
    await redis.restart();
    expect(await redisCommand(redis.url, 'GET', 'k')).toBeNull();
    await redis.stop();
    expect(await answers(redis.port)).toBe(false);
  });

  it('PostgreSQL keeps what it acknowledged through a crash, and is gone after stop', async () => {
    const postgres = await startPostgres();
    onTestFinished(() => postgres.stop());
    await query(postgres.url, 'create table note as select 42 as answer');
    await postgres.kill();
    expect(await answers(postgres.port)).toBe(false);
    await postgres.restart();
    expect(await query(postgres.url, 'select answer from note')).toEqual([{ answer: 42 }]);
    const [row] = await query(postgres.url, 'show data_directory');
    const { data_directory: folder } = row as { data_directory: string };
    await postgres.stop();
    expect(await answers(postgres.port)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });

  it.each(['startRedis', 'startPostgres'])(
    '%s leaves no orphan when its starter is killed',
    async (starter) => {
      const child = startElsewhere(starter);
      onTestFinished(() => void child.kill('SIGKILL'));
      if (child.stdout === null) throw new Error('no pipe to the starter');
      const [line] = await once(child.stdout, 'data');
      const port = Number(line);
      expect(await answers(port)).toBe(true);
      child.kill('SIGKILL');
      while (await answers(port)) await delay(20);
    },
  );
});

function startElsewhere(starter: string): ChildProcess {
  const servers = new URL('../../infra/test/servers.ts', import.meta.url);
  const program = `import { ${starter} } from '${servers}'; process.stdout.write(String((await ${starter}()).port));`;
  return spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

describe('the pretest step on a machine that lacks something', () => {
  const lacking = (name: string) => requirements.filter((requirement) => requirement.name === name);

  it.each([
    [
      'apt-get',
      'Redis',
      /^sudo apt-get update && sudo apt-get install -y --no-install-recommends redis-server$/,
    ],
    ['dnf', 'PostgreSQL', /^sudo dnf install -y postgresql-server$/],
    ['brew', 'Chromium', /^brew install google-chrome$/],
    ['dnf', 'Python 3 with requests', /^sudo dnf install -y python3-requests$/],
    [
      'brew',
      'Python 3 with requests',
      /^PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --user requests$/,
    ],
  ] as const)('names the one %s line that installs %s', (manager, name, line) => {
    expect(installLine(lacking(name), manager)).toMatch(line);
  });

  it('names every missing program in that one line', () => {
    const text = refusal(requirements, 'apt-get');
    expect(text).toMatch(/redis-server postgresql chromium python3-requests$/);
    expect(text).not.toContain('\n');
    expect(refusal(requirements, 'brew')).toMatch(
      /brew install redis postgresql@17 google-chrome && .* requests$/,
    );
  });

  it('says what to put on the PATH where it knows no package manager', () => {
    expect(refusal(requirements, undefined)).toMatch(
      /Redis, PostgreSQL, Chromium, Python 3 with requests on the PATH/,
    );
  });
});
