/** An introspection endpoint (RFC 7662) over real HTTP, which says what it is told to. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface IntrospectionServer {
  endpoint: string;
  /** By credential; what is not there is not active. */
  answers: Map<string, Record<string, unknown>>;
  /** Every question, in order. */
  asked: string[];
  authorizations: Set<string | undefined>;
  /** Instead of the answer. */
  disturb: ((response: ServerResponse) => void) | undefined;
  /** Questions wait for it. */
  gate: Promise<unknown>;
  close(): Promise<void>;
}

export async function startIntrospection(): Promise<IntrospectionServer> {
  const listening = createServer((request, response) => void answer(request, response)).listen(
    0,
    '127.0.0.1',
  );
  await once(listening, 'listening');
  const server: IntrospectionServer = {
    endpoint: `http://127.0.0.1:${(listening.address() as AddressInfo).port}/oauth/introspect`,
    answers: new Map(),
    asked: [],
    authorizations: new Set(),
    disturb: undefined,
    gate: Promise.resolve(),
    async close() {
      listening.close().closeAllConnections();
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = new URLSearchParams(await text(request)).get('token') ?? '';
    server.asked.push(token);
    server.authorizations.add(request.headers.authorization);
    await server.gate;
    if (server.disturb) return server.disturb(response);
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(server.answers.get(token) ?? { active: false }));
  }

  return server;
}
