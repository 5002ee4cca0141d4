/** One server process of its own for tests: started on a free port, and gone when its starter is. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** Ends the server and removes its folder. Final. */
  stop(): Promise<void>;
  /** `kill -9`: the data folder stays as the crash left it. */
  kill(): Promise<void>;
  /** Starts again on the same port and folder, after an orderly end if it still runs. */
  restart(): Promise<void>;
}

export interface ServerPlan {
  readonly name: string;
  readonly program: string;
  readonly args: (port: number) => readonly string[];
  readonly folder: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly url: (port: number) => string;
  /** Rejects while the server does not answer. */
  readonly probe: (port: number) => Promise<void>;
}

const readyWithinMs = 30_000;
const pollMs = 25;

interface Running {
  readonly child: ChildProcess;
  readonly watchdog: ChildProcess;
  readonly output: () => string;
}

export async function startServer(plan: ServerPlan): Promise<TestServer> {
  const { port, running } = await launchOnFreePort(plan);
  let current = running;
  const end = async (signal: NodeJS.Signals) => {
    await exit(current.child, signal);
    current.watchdog.kill('SIGKILL');
  };
  return {
    url: plan.url(port),
    port,
    stop: async () => {
      await end('SIGINT');
      await rm(plan.folder, { recursive: true, force: true });
    },
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGINT');
      current = await launch(plan, port);
    },
  };
}

/** Another process may take a port between our finding it free and the server's binding it. */
async function launchOnFreePort(plan: ServerPlan): Promise<{ port: number; running: Running }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    try {
      return { port, running: await launch(plan, port) };
    } catch (error) {
      if (attempt === 3) {
        await rm(plan.folder, { recursive: true, force: true });
        throw error;
      }
    }
  }
}

async function launch(plan: ServerPlan, port: number): Promise<Running> {
  const child = spawn(plan.program, plan.args(port), {
    cwd: plan.folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(plan.uid === undefined ? {} : { uid: plan.uid }),
    ...(plan.gid === undefined ? {} : { gid: plan.gid }),
  });
  const running = { child, watchdog: watch(child, plan.folder), output: lastOutput(child) };
  try {
    await ready(plan, port, running);
    return running;
  } catch (error) {
    await exit(child, 'SIGKILL');
    running.watchdog.kill('SIGKILL');
    throw error;
  }
}

/**
 * The starter may die without a chance to clean up. Its end of the pipe closes then, and this shell, in a
 * session of its own, ends the server and removes the folder. It waits 10 s at most: where nobody reaps
 * orphans, an ended server looks alive forever.
 */
function watch(child: ChildProcess, folder: string): ChildProcess {
  const script =
    'cat >/dev/null; kill -INT "$0"; n=0; while [ $n -lt 100 ] && kill -0 "$0" 2>/dev/null; do sleep 0.1; n=$((n+1)); done; rm -rf "$1"';
  const watchdog = spawn('sh', ['-c', script, String(child.pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.unref();
  return watchdog;
}

function lastOutput(child: ChildProcess): () => string {
  let text = '';
  const keep = (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-4000);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return () => text;
}

async function ready(plan: ServerPlan, port: number, { child, output }: Running): Promise<void> {
  let failure: unknown;
  child.once('error', (error) => {
    failure = error;
  });
  const deadline = Date.now() + readyWithinMs;
  while (Date.now() < deadline) {
    if (failure !== undefined || hasExited(child)) break;
    const answered = await plan.probe(port).then(
      () => true,
      () => false,
    );
    // A stranger on the port answers too: only a server that still runs is ours.
    if (answered && !hasExited(child)) return;
    await delay(pollMs);
  }
  throw new Error(`${plan.name} did not start on port ${port}: ${output()}`, { cause: failure });
}

function hasExited(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

async function exit(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasExited(child)) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP port to be had');
  return address.port;
}
