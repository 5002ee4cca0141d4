/** Programs that use this package, the examples above all, run as whoever copies them would run them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface RunningExample {
  url: string;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 20_000;

export function startExample(name: string, env: Record<string, string>): Promise<RunningExample> {
  return startProgram(fileURLToPath(new URL(`../examples/${name}.ts`, import.meta.url)), env);
}

/** A server that listens on `PORT`. */
export async function startProgram(path: string, env: Record<string, string>): Promise<RunningExample> {
  const port = await freePort();
  const child = spawn(process.execPath, [path], {
    // Nothing of the test's own environment but what Node needs.
    env: { PATH: process.env.PATH, PORT: String(port), ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReady(url, child, path);
  return {
    url,
    async stop() {
      const ended = once(child, 'exit');
      if (child.kill('SIGKILL')) await ended;
    },
  };
}

async function waitUntilReady(url: string, child: ChildProcess, path: string): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (child.exitCode === null && Date.now() < deadline) {
    try {
      await fetch(url);
      return;
    } catch {
      await wait(25);
    }
  }
  child.kill('SIGKILL');
  throw new Error(`${path} does not answer`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
