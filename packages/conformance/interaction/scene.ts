import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAuth } from '@latchkey/auth';
import { type ClientMetadata, deriveCodeChallenge, newCodeVerifier, type Role } from '@latchkey/protocol';
import { createLogger, createMetrics, type Metrics } from '@latchkey/service';
import {
  type DurableStorage,
  hashPassword,
  openMemory,
  openPostgres,
  type SharedStorage,
} from '@latchkey/storage';
import { decodeJwt } from 'jose';
import { inject } from 'vitest';
import { createDatabase } from '../../../infra/test/servers.ts';
import { textOf } from '../harness/person.ts';
import { createUserAgent, type Departure, type Page, type UserAgent } from '../harness/user-agent.ts';

export const PASSWORD = 'correct horse battery staple';
export const API = 'https://api.example.com';
export const CLIENT_ID = 'client_planner';

/** Who is in which organisation, in which role. */
const PEOPLE: Record<string, Record<string, Role>> = {
  ada: { org_mill: 'owner' },
  viv: { org_mill: 'viewer' },
  two: { org_mill: 'admin', org_forge: 'viewer' },
  sol: {},
};

export interface Scene {
  issuer: string;
  durable: DurableStorage;
  shared: SharedStorage;
  /** Milliseconds that the server's clock is ahead. */
  clock: { aheadMs: number };
  /** Lines of the server's log. */
  log: string[];
  metrics: Metrics;
  redirectUri: string;
  newAgent(): UserAgent;
  close(): Promise<void>;
}

export interface SceneOptions {
  redirectUri?: string;
  metadata?: Partial<ClientMetadata>;
  /** Replaces the shared store. */
  shared?: SharedStorage;
}

/** The authorization server on a port of its own, with a database of its own, people and an application. */
export async function startScene({
  redirectUri = 'https://planner.example.com/callback',
  metadata,
  shared: given,
}: SceneOptions = {}): Promise<Scene> {
  const database = await createDatabase(inject('postgresUrl'));
  const durable = openPostgres({ url: database.url });
  await durable.migrate();
  await populate(durable, { ...applicationMetadata(redirectUri), ...metadata });
  const clock = { aheadMs: 0 };
  const now = () => new Date(Date.now() + clock.aheadMs);
  const shared = given ?? openMemory({ now });
  const log: string[] = [];
  const metrics = createMetrics('auth');
  const { issuer, serve, close } = await openPort();
  const auth = await createAuth(
    {
      issuer,
      pepper: randomBytes(32),
      encryptionKey: randomBytes(32),
      cookieKeys: [randomBytes(32).toString('hex')],
      trustedProxies: [],
    },
    {
      durable,
      shared,
      now,
      logger: createLogger({ service: 'auth', level: 'debug' }, { write: (line) => void log.push(line) }),
      metrics,
    },
  );
  serve(auth.handler);
  return {
    issuer,
    durable,
    shared,
    clock,
    log,
    metrics,
    redirectUri,
    newAgent: () => createUserAgent(issuer),
    async close() {
      await close();
      await auth.stop();
      await Promise.all([shared.close(), durable.close()]);
      await database.drop();
    },
  };
}

/** The issuer names its port, so the port comes first. */
async function openPort() {
  let handler: RequestListener = (_, response) => response.writeHead(503).end();
  const server = createServer((request, response) => handler(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    issuer: `http://127.0.0.1:${port}`,
    serve(next: RequestListener) {
      handler = next;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function applicationMetadata(redirectUri: string): ClientMetadata {
  return {
    client_name: 'Planner',
    application_type: 'spa',
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [new URL('/bye', redirectUri).href],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
    scope: 'openid profile email offline_access work-orders:read work-orders:write quality:read',
    id_token_signed_response_alg: 'ES256',
    require_pkce: true,
    refresh_without_secret: false,
    client_uri: 'https://planner.example.com',
  };
}

async function populate(durable: DurableStorage, metadata: ClientMetadata): Promise<void> {
  const { organizations, accounts, clients, resourceServers } = durable;
  await organizations.create({ id: 'org_mill', name: 'Old Mill', plan: 'free' });
  await organizations.create({ id: 'org_forge', name: 'The Forge', plan: 'free' });
  const passwordDigest = await hashPassword(PASSWORD);
  for (const [name, seats] of Object.entries(PEOPLE)) {
    const accountId = `user_${name}`;
    await accounts.create({ id: accountId, email: emailOf(name), name: `${name} Smith`, passwordDigest });
    for (const [organizationId, role] of Object.entries(seats))
      await organizations.putMember({ organizationId, accountId, role });
  }
  await resourceServers.create({
    id: 'rs_api',
    identifier: API,
    name: 'Factory API',
    scopes: {
      'work-orders:read': 'List and read work orders',
      'work-orders:write': 'Create and update work orders',
      'quality:read': 'List and read quality data',
    },
    tokenFormat: 'jwt',
    tokenTtlSeconds: 3600,
    signingAlgorithm: 'ES256',
    acceptsApiKeys: false,
    isDefault: true,
    introspectionClientId: null,
  });
  await clients.create({ id: CLIENT_ID, organizationId: 'org_mill', environment: 'live', metadata });
}

export const emailOf = (name: string) => `${name}@example.com`;

export interface Attempt {
  url: URL;
  verifier: string;
}

/** An authorization request of the application (RFC 6749 §4.1.1, RFC 7636 §4.3). */
export function startAuthorization(scene: Scene, parameters: Record<string, string> = {}): Attempt {
  const verifier = newCodeVerifier();
  const url = new URL(`${scene.issuer}/oauth/authorize`);
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: CLIENT_ID,
    redirect_uri: scene.redirectUri,
    scope: 'openid email work-orders:read work-orders:write',
    state: 'the-state',
    code_challenge: deriveCodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...parameters,
  }).toString();
  return { url, verifier };
}

export function expectPage(at: Page | Departure): Page {
  if ('location' in at) throw new Error(`sent away to ${at.location}`);
  return at;
}

export function expectDeparture(at: Page | Departure): URL {
  if ('location' in at) return at.location;
  throw new Error(`${at.status} at ${at.url}: ${textOf(at.html)}`);
}

/** Sends the form whose action ends in `/<step>`. */
export async function submitTo(
  agent: UserAgent,
  page: Page,
  step: string,
  fields: Record<string, string> = {},
) {
  const form = page.forms.find(({ action }) => action.endsWith(`/${step}`));
  if (!form) throw new Error(`no form for ${step} on ${page.url}: ${textOf(page.html)}`);
  return agent.submit(page, form, fields);
}

export function signIn(agent: UserAgent, page: Page, name: string, password = PASSWORD) {
  return submitTo(agent, page, 'sign-in', { email: emailOf(name), password });
}

export interface Tokens {
  status: number;
  body: Record<string, unknown>;
  claims: Record<string, unknown>;
}

/** Redeems the code of a callback (RFC 6749 §4.1.3). */
export async function redeem(scene: Scene, callback: URL, verifier: string): Promise<Tokens> {
  const response = await fetch(`${scene.issuer}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: CLIENT_ID,
      redirect_uri: scene.redirectUri,
      code: callback.searchParams.get('code') ?? '',
      code_verifier: verifier,
    }),
  });
  const body = (await response.json()) as Record<string, unknown>;
  const token = body.access_token;
  return { status: response.status, body, claims: typeof token === 'string' ? decodeJwt(token) : {} };
}

/** The whole way: sign in, allow, redeem. */
export async function completeFlow(
  scene: Scene,
  agent: UserAgent,
  name: string,
  options: { parameters?: Record<string, string>; consent?: Record<string, string> } = {},
): Promise<Tokens> {
  const { url, verifier } = startAuthorization(scene, options.parameters);
  const asked = expectPage(await signIn(agent, expectPage(await agent.open(url)), name));
  const callback = expectDeparture(
    await submitTo(agent, asked, 'consent', { decision: 'allow', ...options.consent }),
  );
  return redeem(scene, callback, verifier);
}
