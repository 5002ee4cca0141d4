import type { RequestListener } from 'node:http';
import { type AuthConfig, createAuth, type RequestLimits } from '@latchkey/auth';
import { randomBase62 } from '@latchkey/protocol';
import { createLogger, createMetrics, type Logger, listen } from '@latchkey/service';
import { type DurableStorage, openPostgres, openRedis, type SharedStorage } from '@latchkey/storage';
import { createDatabase } from '../../../infra/test/servers.ts';
import { COOKIE_KEY, ENCRYPTION_KEY, PEPPER } from './secrets.ts';
import { type Seed, seed } from './seed.ts';

/** An authorization server on a real PostgreSQL and a real Redis, in this process, with its people and clients. */
export interface Deployment extends Seed {
  issuer: string;
  /** Identifier of the default resource server, which takes JWTs. */
  audience: string;
  durable: DurableStorage;
  shared: SharedStorage;
  close(): Promise<void>;
}

export interface DeploymentOptions {
  postgresUrl: string;
  redisUrl: string;
  audience?: string;
  config?: Partial<AuthConfig>;
  logger?: Logger;
  now?: () => Date;
  /** How many authorization servers take turns, each with connections of its own to the same stores. */
  servers?: number;
}

/** Requests per minute: whole suites call from one address. */
const UNREACHED = 1_000_000;
const UNREACHED_LIMITS: RequestLimits = {
  token: UNREACHED,
  tokenPerAddress: UNREACHED,
  introspection: UNREACHED,
  introspectionPerAddress: UNREACHED,
  signInPerAddress: UNREACHED,
};

export async function startDeployment(options: DeploymentOptions): Promise<Deployment> {
  const { audience = 'https://api.acme.example', now = () => new Date() } = options;
  const logger = options.logger ?? createLogger({ service: 'auth', level: 'silent' });
  const database = await createDatabase(options.postgresUrl);
  const keyPrefix = `test-${randomBase62(8)}:`;
  const openStores = () => ({
    durable: openPostgres({ url: database.url, now }),
    shared: openRedis({ url: options.redisUrl, keyPrefix }),
  });
  const { durable, shared } = openStores();
  await durable.migrate();
  const seeded = await seed(durable, { pepper: PEPPER, audience });
  let turn = 0;
  const inTurn: RequestListener = (request, response) =>
    auths[turn++ % auths.length]?.handler(request, response);
  const server = await listen(inTurn, { host: '127.0.0.1', port: 0 });
  const issuer = `http://127.0.0.1:${server.port}`;
  const config = {
    issuer,
    pepper: PEPPER,
    encryptionKey: ENCRYPTION_KEY,
    cookieKeys: [COOKIE_KEY],
    trustedProxies: [],
    limits: UNREACHED_LIMITS,
    ...options.config,
  };
  const others = Array.from({ length: (options.servers ?? 1) - 1 }, openStores);
  const auths = await Promise.all(
    [{ durable, shared }, ...others].map((stores) =>
      createAuth(config, { ...stores, logger, metrics: createMetrics('auth'), now }),
    ),
  );
  return {
    ...seeded,
    issuer,
    audience,
    durable,
    shared,
    async close() {
      await server.close(0);
      await Promise.all(auths.map((auth) => auth.stop()));
      const stores = [{ durable, shared }, ...others];
      await Promise.all(stores.flatMap((store) => [store.durable.close(), store.shared.close()]));
      await database.drop();
    },
  };
}
