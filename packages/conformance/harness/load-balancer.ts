import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface LoadBalancer {
  port: number;
  /** Takes a process on this loopback port into the round; the answer takes it out again. */
  add(port: number): () => void;
  close(): Promise<void>;
}

/** Hands connections to processes in turn, as they are: what a load balancer in front of several of one service does. */
export async function startLoadBalancer(): Promise<LoadBalancer> {
  const backends = new Set<number>();
  const sockets = new Set<Socket>();
  let turn = 0;
  const server = createServer((client) => {
    const backend = connect([...backends][turn++ % backends.size] ?? 0, '127.0.0.1');
    for (const [socket, other] of [
      [client, backend],
      [backend, client],
    ] as const) {
      sockets.add(socket);
      socket.pipe(other);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    add(port) {
      backends.add(port);
      return () => void backends.delete(port);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
