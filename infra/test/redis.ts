import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedis } from './programs.ts';
import { startServer, type TestServer } from './server-process.ts';

/** A Redis that keeps nothing on disk: a restart is a wiped Redis. */
export async function startRedis(): Promise<TestServer> {
  const program = findRedis();
  if (program === undefined) throw new Error('redis-server is not on the PATH: run `npm run pretest`');
  return startServer({
    name: 'Redis',
    program,
    folder: await mkdtemp(join(tmpdir(), 'latchkey-redis-')),
    args: (port) => ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    url: (port) => `redis://127.0.0.1:${port}`,
    probe: ping,
  });
}

async function ping(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    socket.end('PING\r\n');
    const [answer] = await once(socket, 'data');
    if (!String(answer).startsWith('+PONG')) throw new Error(`not a ready Redis: ${answer}`);
  } finally {
    socket.destroy();
  }
}
