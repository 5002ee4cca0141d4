import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findRedis } from '../../../infra/test/programs.ts';
import { startServer, type TestServer } from '../../../infra/test/server-process.ts';
import { startRedis } from '../../../infra/test/servers.ts';

export interface Topology {
  /** What `openRedis` is given. */
  url: string;
  /** Each server that holds data. */
  nodes: TestServer[];
  stop(): Promise<void>;
}

const SLOTS = 16_384;

/** A Cluster of two masters, each with half of the slots. */
export async function startCluster(): Promise<Topology> {
  const nodes = await Promise.all([
    startNode(['--cluster-enabled', 'yes']),
    startNode(['--cluster-enabled', 'yes']),
  ]);
  const clients = nodes.map(({ url }) => new Redis(url, { enableReadyCheck: false }));
  const [first, second] = clients;
  if (!first || !second) throw new Error('two nodes were started');
  await first.call('cluster', 'addslotsrange', 0, SLOTS / 2 - 1);
  await second.call('cluster', 'addslotsrange', SLOTS / 2, SLOTS - 1);
  await second.call('cluster', 'set-config-epoch', 2);
  await first.call('cluster', 'meet', '127.0.0.1', nodes[1]?.port ?? 0);
  for (const client of clients) {
    while (!String(await client.call('cluster', 'info')).includes('cluster_state:ok')) await nextTurn();
    client.disconnect();
  }
  return {
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    nodes,
    stop: () => stopAll(nodes),
  };
}

/** One master, and a Sentinel that knows it as "latchkey". */
export async function startSentinel(): Promise<Topology> {
  const master = await startRedis();
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-sentinel-'));
  await writeFile(join(folder, 'sentinel.conf'), `sentinel monitor latchkey 127.0.0.1 ${master.port} 1\n`);
  const sentinel = await startNode([join(folder, 'sentinel.conf'), '--sentinel'], folder);
  return {
    url: `redis+sentinel://127.0.0.1:${sentinel.port}/latchkey`,
    nodes: [master],
    stop: () => stopAll([sentinel, master]),
  };
}

async function startNode(flags: string[], folder?: string): Promise<TestServer> {
  const program = findRedis();
  if (program === undefined) throw new Error('redis-server is not on the PATH: run `npm run pretest`');
  const [config = [], options] = flags[0]?.startsWith('--')
    ? [[], flags]
    : [flags.slice(0, 1), flags.slice(1)];
  return startServer({
    name: 'Redis',
    program,
    folder: folder ?? (await mkdtemp(join(tmpdir(), 'latchkey-redis-'))),
    args: (port) => [...config, '--port', `${port}`, '--bind', '127.0.0.1', ...options],
    url: (port) => `redis://127.0.0.1:${port}`,
    probe,
  });
}

async function probe(port: number): Promise<void> {
  const client = new Redis(port, '127.0.0.1', {
    enableReadyCheck: false,
    retryStrategy: () => null,
    lazyConnect: true,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.ping();
  } finally {
    client.disconnect();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
}

async function stopAll(servers: TestServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
