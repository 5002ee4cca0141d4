import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A port that is taken, or an address that cannot be bound. The message says what to do. */
export class ListenError extends Error {
  override name = 'ListenError';
}

export interface RunningServer {
  port: number;
  /** Accepts nothing new, lets requests in flight finish (at most `graceMs`), then cuts the rest. */
  close(graceMs?: number): Promise<void>;
}

/** Longer than the proxy keeps its connections (`keepalive` in infra/Caddyfile), so that it never uses a closed one. */
export const KEEP_ALIVE_MS = 65_000;

/** Listens, or throws `ListenError`. Port 0 takes a free one. */
export async function listen(
  handler: RequestListener,
  options: { host: string; port: number; portVariable?: string },
): Promise<RunningServer> {
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: 15_000, requestTimeout: 30_000 },
    handler,
  );
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, options)));
  server.listen(options.port, options.host, resolve);
  await promise;
  return {
    port: (server.address() as AddressInfo).port,
    close: (graceMs = 10_000) => closeServer(server, graceMs),
  };
}

function listenError(
  error: NodeJS.ErrnoException,
  { host, port, portVariable = 'PORT' }: { host: string; port: number; portVariable?: string },
): Error {
  if (error.code === 'EADDRINUSE') {
    return new ListenError(
      `Port ${port} on ${host} is taken by another program. Stop it, or set ${portVariable} to another port.`,
    );
  }
  return new ListenError(`Cannot listen on ${host}:${port}: ${error.message}`, { cause: error });
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  // A kept-alive connection falls idle only when its request in flight has been answered.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await promise;
  clearInterval(sweep);
  clearTimeout(cut);
}
