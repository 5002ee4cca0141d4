import type { RequestListener } from 'node:http';
import { listen, type RunningServer } from '@latchkey/service';

/** Loopback alone: there is no TLS, and the demo's secrets are meant for this machine. */
const HOST = '127.0.0.1';

export interface Port {
  url: string;
  /** From now on requests are answered by this. */
  serve(handler: RequestListener): void;
  /** Lets requests in flight finish. Again is no fault. */
  close(): Promise<void>;
}

/**
 * Takes a port before there is anything to serve: one that is taken shows at once and not after the database is
 * prepared, and the addresses are known to what is made next.
 */
export async function takePort(port: number, variable: string): Promise<Port> {
  let handler: RequestListener = (_request, response) => {
    response.writeHead(503, { 'Retry-After': '1', 'Content-Type': 'text/plain' }).end('Starting\n');
  };
  const options = { host: HOST, port, portVariable: variable };
  const server: RunningServer = await listen((request, response) => handler(request, response), options);
  let closing: Promise<void> | undefined;
  return {
    url: `http://${HOST}:${server.port}`,
    serve(next) {
      handler = next;
    },
    close() {
      closing ??= server.close(GRACE_MS);
      return closing;
    },
  };
}

/** For requests in flight when the process is told to stop. */
const GRACE_MS = 3000;
