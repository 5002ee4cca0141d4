/** The API over real HTTP, on a database of its own, with a test's issuer beside it. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newId } from '@latchkey/protocol';
import {
  createApiKey,
  createOperator,
  type IssuedApiKey,
  type Operator,
  parseClientMetadata,
} from '@latchkey/registry';
import { createLogger, createMetrics, listen } from '@latchkey/service';
import {
  type DurableStorage,
  type NewResourceServer,
  openMemory,
  openPostgres,
  type SharedStorage,
  type Tenant,
} from '@latchkey/storage';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { inject } from 'vitest';
import { createDatabase } from '../../../infra/test/servers.ts';
import { type ApiConfig, type ApiServer, createApi } from '../src/index.ts';
import { createRouteTable } from '../src/route-table.ts';

export interface TestApi {
  url: string;
  issuer: TestIssuer;
  durable: DurableStorage;
  shared: SharedStorage;
  api: ApiServer;
  /** Changes records as the command line does. */
  operator: Operator;
  /** Calls with a token for the tenant and every scope, unless headers say otherwise. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  tenant(environment?: Tenant['environment']): Promise<Tenant>;
  /** A key of the tenant's that may do everything, but for what is given. */
  createKey(tenant: Tenant, settings?: Partial<Parameters<typeof createApiKey>[2]>): Promise<IssuedApiKey>;
  close(): Promise<void>;
}

export interface CallOptions {
  tenant?: Tenant;
  token?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server answered.
  body: any;
}

export interface TestApiOptions {
  /** Default: memory. Closed with the API. */
  shared?: SharedStorage;
  config?: Partial<ApiConfig>;
  now?: () => Date;
  monotonic?: () => number;
}

export async function startApi(options: TestApiOptions = {}): Promise<TestApi> {
  const database = await createDatabase(inject('postgresUrl'));
  const durable = openPostgres({ url: database.url });
  await durable.migrate();
  const { shared = openMemory(), config, now, monotonic } = options;
  const operator = createOperator({ durable, feed: shared.feed, name: 'test' });
  await durable.resourceServers.create(RESOURCE_SERVER);
  await durable.clients.create(CLIENT);
  const issuer = await startIssuer();
  const [logger, metrics] = [createLogger({ service: 'api', level: 'silent' }), createMetrics('api')];
  const api = await createApi(
    { ...configOf(issuer.url), ...config },
    { durable, shared, logger, metrics, ...(now ? { now } : {}), ...(monotonic ? { monotonic } : {}) },
  );
  const server = await listen(api.handler, { host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${server.port}`;
  const tenant = async (environment: Tenant['environment'] = 'live') => {
    const { id } = await durable.organizations.create({
      id: newId('organization'),
      name: 'Acme',
      plan: 'free',
    });
    return { organizationId: id, environment };
  };
  const standing = await tenant();
  return {
    url,
    issuer,
    durable,
    shared,
    api,
    tenant,
    operator,
    createKey: (of, settings) => createKey(operator, of, settings),
    call: createCall(url, issuer, standing),
    async close() {
      await server.close(0);
      await api.stop();
      await Promise.all([durable.close(), shared.close(), issuer.close()]);
      await database.drop();
    },
  };
}

function createKey(
  operator: Operator,
  tenant: Tenant,
  settings: Parameters<TestApi['createKey']>[1],
): Promise<IssuedApiKey> {
  return createApiKey(operator, PEPPER, {
    ...tenant,
    name: 'Script',
    scopes: ALL_SCOPES.split(' '),
    ipAllowlist: [],
    rateLimit: null,
    expiresAt: null,
    ...settings,
  });
}

function createCall(url: string, issuer: TestIssuer, standing: Tenant): TestApi['call'] {
  return async (method, path, { tenant = standing, token, body, headers = {} } = {}) => {
    const bearer = token ?? (await issuer.sign({ org_id: tenant.organizationId, env: tenant.environment }));
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        'x-forwarded-proto': 'https',
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = text !== '' && response.headers.get('content-type')?.includes('json');
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };
}

/** The table as it is, over no stores: for tests that go through every route. */
export const ROUTES = createRouteTable({ durable: { manufacturing: {} }, feed: {} } as never);

/** Every scope that a route needs. */
export const ALL_SCOPES = [...new Set(ROUTES.map(({ scope }) => scope))].join(' ');

export const PEPPER = randomBytes(32);

/** Where every call comes from: a proxy that is believed, and ends TLS. */
const PROXY = '127.0.0.1';

export function configOf(issuer: string): ApiConfig {
  return { origin: ORIGIN, audience: ORIGIN, issuer, pepper: PEPPER, trustedProxies: [PROXY] };
}

/** The API's name in tokens and documents: not where the test reaches it. */
export const ORIGIN = 'https://api.example.test';

/** Whom every token is issued to. */
export const CLIENT = {
  id: 'client_test',
  organizationId: null,
  environment: 'live' as const,
  metadata: parseClientMetadata({ client_name: 'Test', application_type: 'machine' }),
};

export const RESOURCE_SERVER: NewResourceServer = {
  id: 'rs_api',
  identifier: ORIGIN,
  name: 'The API',
  scopes: {},
  tokenFormat: 'jwt',
  tokenTtlSeconds: 3600,
  signingAlgorithm: 'ES256',
  acceptsApiKeys: true,
  isDefault: false,
  introspectionClientId: null,
};

export interface TestIssuer {
  url: string;
  /** An access token of a client with every scope, but for what is given. */
  sign(claims?: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
}

async function startIssuer(): Promise<TestIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256', use: 'sig' };
  const server = createServer((request, response) => {
    const found = request.url === '/.well-known/jwks.json';
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/jwk-set+json' });
    response.end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    sign(claims = {}) {
      const iat = Math.floor(Date.now() / 1000);
      const payload = {
        iss: url,
        aud: ORIGIN,
        sub: CLIENT.id,
        client_id: CLIENT.id,
        scope: ALL_SCOPES,
      };
      return new SignJWT({ ...payload, jti: newId('secret'), iat, exp: iat + 600, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'test', typ: 'at+jwt' })
        .sign(privateKey);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
