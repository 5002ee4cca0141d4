/** An introspection endpoint (RFC 7662) over real HTTP, which says what it is told to. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createIntrospection, type GuardOptions, type IntrospectionOptions } from '../src/index.ts';
import { createKeyServer, createTestGuard, ISSUER, NOW, type SigningKey } from './issuer.ts';
import { type IssuedKey, mint } from './ports.ts';

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

/** A guard that asks the server, by the tests' clock. */
export function createAskingGuard(
  { endpoint }: IntrospectionServer,
  options: Partial<GuardOptions> & { signer?: SigningKey } = {},
  client: Partial<IntrospectionOptions> = {},
) {
  const { signer, ...own } = options;
  const clock = { seconds: NOW };
  const now = () => clock.seconds * 1000;
  const credentials = { clientId: 'rs:1 ü', clientSecret: 'a+b/c%' };
  const introspection = createIntrospection({ endpoint, ...credentials, now, ...client });
  const keyServer = createKeyServer(...(signer ? [signer] : []));
  return { ...createTestGuard(keyServer, { introspection, now, ...own }), clock };
}

/** A key that the server knows, as our introspection endpoint describes one. */
export function issueKey(server: IntrospectionServer, answer: Record<string, unknown> = {}): IssuedKey {
  const key = mint();
  server.answers.set(key.key, {
    active: true,
    token_type: 'api_key',
    sub: key.id,
    scope: 'orders:read',
    org_id: 'org_1',
    iat: NOW - 100,
    env: 'live',
    plan: 'professional',
    iss: ISSUER,
    ...answer,
  });
  return key;
}
