import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { once } from 'node:events';
import autocannon from 'autocannon';
import type { BenchMessage, Load, SubjectMessage } from './subject.ts';

export interface Subject {
  name: string;
  /** The module that serves it, beside `subjects/`. */
  module: URL;
  env?: Record<string, string>;
}

export interface SubjectProcess {
  name: string;
  pid: number;
  load: Load;
  /** Sends its request so many times; throws unless every answer is a 2xx. */
  send(requests: number): Promise<{ requestsPerSecond: number }>;
  /** The same, before anything is measured: under valgrind a first fetch of keys may take longer than is waited. */
  warmUp(requests: number): Promise<void>;
  userMicroseconds(): Promise<number>;
  /** What it wrote to stderr by its end. */
  stop(): Promise<string>;
}

const CONNECTIONS = 8;

/** A subject in a process of its own, so that what it spends is its own. */
export async function startSubject(
  { name, module, env }: Subject,
  launcher: Pick<ForkOptions, 'execPath' | 'execArgv'> = {},
): Promise<SubjectProcess> {
  const child = fork(module, {
    ...launcher,
    env: { ...process.env, ...env, NODE_ENV: 'production' },
    // A service writes its log as it does where it is deployed; nobody reads it here.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let errors = '';
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  const { load } = await nextMessage(child, 'ready').catch((error) => {
    throw new Error(`${name} did not start: ${errors}`, { cause: error });
  });
  return {
    name,
    pid: child.pid ?? 0,
    load,
    async send(requests) {
      const result = await request(load, requests);
      if (result['2xx'] === requests) return { requestsPerSecond: requests / secondsOf(result) };
      throw new Error(`${name}: ${result['2xx']} of ${requests} answers were 2xx`);
    },
    async warmUp(requests) {
      await request(load, requests);
    },
    async userMicroseconds() {
      const answer = nextMessage(child, 'cpu');
      tell(child, { type: 'cpu' });
      return (await answer).userMicroseconds;
    },
    async stop() {
      const closed = once(child, 'close');
      tell(child, { type: 'stop' });
      await closed;
      return errors;
    },
  };
}

function request({ url, method, headers, body }: Load, requests: number): Promise<autocannon.Result> {
  return autocannon({
    url,
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    amount: requests,
    connections: CONNECTIONS,
    timeout: 60,
  });
}

const secondsOf = ({ start, finish }: autocannon.Result) => (finish.getTime() - start.getTime()) / 1000;

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
  const onExit = (code: number | null) => reject(new Error(`ended with code ${code}`));
  child.on('message', onMessage);
  child.once('exit', onExit);
  try {
    return await promise;
  } finally {
    child.off('message', onMessage);
    child.off('exit', onExit);
  }
}
