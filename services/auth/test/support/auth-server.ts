import { randomBytes } from 'node:crypto';
import { createLogger, createMetrics, listen } from '@latchkey/service';
import type { DurableStorage, SharedStorage } from '@latchkey/storage';
import { type AuthConfig, type AuthServer, createAuth } from '../../src/index.ts';

export interface TestAuth {
  issuer: string;
  config: AuthConfig;
  instances: AuthServer[];
  close(): Promise<void>;
}

/** Servers over the same stores behind one address; requests go to each in turn. */
export async function startAuth(options: {
  durable: DurableStorage;
  shared: SharedStorage[];
  instances?: number;
  now?: () => Date;
  ttl?: AuthConfig['ttl'];
  /** Besides the issuer and the secrets. */
  more?: Partial<AuthConfig>;
  logs?: { write(line: string): void };
}): Promise<TestAuth> {
  const { durable, shared, now, ttl } = options;
  const instances: AuthServer[] = [];
  let turn = 0;
  const server = await listen(
    (request, response) => instances[turn++ % instances.length]?.handler(request, response),
    { host: '127.0.0.1', port: 0 },
  );
  const issuer = `http://127.0.0.1:${server.port}`;
  const config: AuthConfig = {
    issuer,
    pepper: randomBytes(32),
    encryptionKey: randomBytes(32),
    cookieKeys: [randomBytes(24).toString('hex')],
    trustedProxies: [],
    ...(ttl && { ttl }),
    ...options.more,
  };
  const logger = createLogger(
    { service: 'auth', level: options.logs ? 'debug' : (process.env.TEST_LOG_LEVEL ?? 'silent') },
    options.logs,
  );
  for (let index = 0; index < (options.instances ?? 1); index++) {
    const stores = { durable, shared: shared[index % shared.length] as SharedStorage };
    const deps = { ...stores, logger, metrics: createMetrics(`auth${index}`), ...(now && { now }) };
    instances.push(await createAuth(config, deps));
  }
  return {
    issuer,
    config,
    instances,
    async close() {
      await server.close(0);
      await Promise.all(instances.map((instance) => instance.stop()));
    },
  };
}
