/** An issuer over real HTTP, for guards in processes of their own: its keys, and introspection (RFC 7662). */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { mintApiKey } from '@latchkey/protocol';
import { importJWK, jwtVerify } from 'jose';
import { createKey, type SigningKey, sign } from './issuer.ts';

export interface IssuerServer {
  url: string;
  /** The client that may introspect. */
  client: { id: string; secret: string };
  /** An access token for the tests' audience, good for an hour by the real clock. */
  token(claims?: Record<string, unknown>): Promise<string>;
  /** A key that introspection knows, with the scope. */
  apiKey(scope: string): string;
  close(): void;
}

const nowSeconds = () => Math.floor(Date.now() / 1000);

export async function startIssuer(): Promise<IssuerServer> {
  const key = await createKey('k1');
  const client = { id: 'rs_messages', secret: 'the secret of the resource server' };
  const apiKeys: Knowledge['apiKeys'] = new Map();
  const server = createServer((request, response) => {
    const answering = answer(request, response, { key, client, apiKeys });
    void answering.catch((error: unknown) => response.writeHead(500).end(String(error)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    client,
    token: (claims = {}) => sign(key, { iss: url, iat: nowSeconds(), exp: nowSeconds() + 3600, ...claims }),
    apiKey(scope) {
      const minted = mintApiKey('live');
      apiKeys.set(minted.key, { sub: minted.id, scope });
      return minted.key;
    },
    close: () => server.close().closeAllConnections(),
  };
}

interface Knowledge {
  key: SigningKey;
  client: IssuerServer['client'];
  apiKeys: Map<string, { sub: string; scope: string }>;
}

async function answer(request: IncomingMessage, response: ServerResponse, known: Knowledge): Promise<void> {
  const send = (status: number, body: unknown) =>
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  if (request.url === '/.well-known/jwks.json') return void send(200, { keys: [known.key.jwk] });
  if (request.method !== 'POST' || request.url !== '/oauth/introspect') return void send(404, {});
  if (request.headers.authorization !== basic(known.client))
    return void send(401, { error: 'invalid_client' });
  const token = new URLSearchParams(await text(request)).get('token') ?? '';
  send(200, await introspect(token, known));
}

/** RFC 6749 §2.3.1: both parts are form-encoded before they are joined. */
function basic({ id, secret }: IssuerServer['client']): string {
  const encoded = [id, secret].map((part) => new URLSearchParams({ '': part }).toString().slice(1));
  return `Basic ${Buffer.from(encoded.join(':')).toString('base64')}`;
}

async function introspect(token: string, { key, apiKeys }: Knowledge): Promise<Record<string, unknown>> {
  const apiKey = apiKeys.get(token);
  if (apiKey !== undefined) {
    const told = {
      org_id: 'org_1',
      plan: 'free',
      env: 'live',
      iat: nowSeconds(),
      organization_rate_limit: 1000,
    };
    return { active: true, token_type: 'api_key', ...apiKey, ...told };
  }
  try {
    const { payload } = await jwtVerify(token, await importJWK(key.jwk, key.alg));
    return { active: true, token_type: 'Bearer', ...payload };
  } catch {
    return { active: false };
  }
}
