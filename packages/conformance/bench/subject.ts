import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The one request a subject is measured by. */
export interface Load {
  url: string;
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  /** Authorization values to choose from, where a subject knows several credentials. */
  authorizations?: string[];
}

/** What a subject's process and the bench say to each other. */
export type SubjectMessage = { type: 'ready'; load: Load } | { type: 'cpu'; userMicroseconds: number };
export type BenchMessage = { type: 'cpu' } | { type: 'stop' };

/** Listens on a free loopback port. */
export async function listenAnywhere(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Tells the bench what to send, and answers its questions from then on. */
export function serveSubject(load: Load): void {
  process.on('message', (message: BenchMessage) => {
    if (message.type === 'stop') process.exit(0);
    send({ type: 'cpu', userMicroseconds: process.cpuUsage().user });
  });
  // The bench going away, however it ends, ends the subject.
  process.on('disconnect', () => process.exit(0));
  send({ type: 'ready', load });
}

function send(message: SubjectMessage): void {
  process.send?.(message);
}
