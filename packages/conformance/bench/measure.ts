import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import autocannon from 'autocannon';
import type { BenchMessage, Load, SubjectMessage } from './subject.ts';

export interface Subject {
  name: string;
  /** The module that serves it, beside `subjects/`. */
  module: URL;
  env?: Record<string, string>;
}

export interface Sample {
  userMicrosecondsPerRequest: number;
  /** Undefined where the machine's counters are not to be had. */
  instructionsPerRequest: number | undefined;
  requestsPerSecond: number;
}

const CONNECTIONS = 8;

/** Whether `perf stat` counts user instructions on this machine. */
export function canCountInstructions(): boolean {
  const probe = spawnSync('perf', ['stat', '-x,', '-e', 'instructions:u', 'true'], { encoding: 'utf8' });
  return probe.status === 0 && /^\d+,/m.test(probe.stderr);
}

/** A subject in a process of its own, so that what it spends is its own. */
export async function startSubject(subject: Subject): Promise<RunningSubject> {
  const child = fork(subject.module, {
    env: { ...process.env, ...subject.env, NODE_ENV: 'production' },
    // A service writes its log as it does where it is deployed; nobody reads it here.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ready = await nextMessage(child, 'ready');
  return createRunningSubject(subject.name, child, ready.load);
}

export interface RunningSubject {
  name: string;
  run(requests: number, options: { instructions: boolean }): Promise<Sample>;
  stop(): void;
}

function createRunningSubject(name: string, child: ChildProcess, load: Load): RunningSubject {
  const cpu = async () => {
    const answer = nextMessage(child, 'cpu');
    tell(child, { type: 'cpu' });
    return (await answer).userMicroseconds;
  };
  return {
    name,
    async run(requests, { instructions }) {
      const counter = instructions && child.pid ? countInstructions(child.pid) : undefined;
      const before = await cpu();
      const result = await autocannon({ ...load, amount: requests, connections: CONNECTIONS });
      const after = await cpu();
      if (result['2xx'] !== requests)
        throw new Error(`${name}: ${result['2xx']} of ${requests} answers were 2xx`);
      const counted = await counter?.stop();
      return {
        userMicrosecondsPerRequest: (after - before) / requests,
        instructionsPerRequest: counted === undefined ? undefined : counted / requests,
        requestsPerSecond: requests / ((result.finish.getTime() - result.start.getTime()) / 1000),
      };
    },
    stop: () => tell(child, { type: 'stop' }),
  };
}

function countInstructions(pid: number): { stop(): Promise<number> } {
  const perf = spawn('perf', ['stat', '-x,', '-e', 'instructions:u', '-p', String(pid)]);
  let text = '';
  perf.stderr.on('data', (chunk) => {
    text += chunk;
  });
  return {
    async stop() {
      perf.kill('SIGINT');
      await once(perf, 'close');
      return Number.parseInt(text, 10);
    },
  };
}

function tell(child: ChildProcess, message: BenchMessage): void {
  if (child.connected) child.send(message);
}

async function nextMessage<T extends SubjectMessage['type']>(
  child: ChildProcess,
  type: T,
): Promise<Extract<SubjectMessage, { type: T }>> {
  const { promise, resolve, reject } = Promise.withResolvers<Extract<SubjectMessage, { type: T }>>();
  const onMessage = (message: SubjectMessage) => {
    if (message.type === type) resolve(message as Extract<SubjectMessage, { type: T }>);
  };
  const onExit = (code: number | null) => reject(new Error(`subject ended with code ${code}`));
  child.on('message', onMessage);
  child.once('exit', onExit);
  try {
    return await promise;
  } finally {
    child.off('message', onMessage);
    child.off('exit', onExit);
  }
}
