import type { RequestListener } from 'node:http';
import { createRevocationFollower } from '@latchkey/guard';
import { createHealth, type Health, type Logger, type Metrics } from '@latchkey/service';
import type { DurableStorage, SharedStorage } from '@latchkey/storage';
import { createApiGuard, createApp } from './app.ts';
import type { ApiConfig } from './config.ts';
import { createIdempotency } from './idempotency.ts';
import { createRouteTable } from './route-table.ts';

export type { ApiConfig } from './config.ts';
export { apiEnv, checkApiEnv } from './env.ts';

export interface ApiDeps {
  durable: DurableStorage;
  shared: SharedStorage;
  logger: Logger;
  metrics: Metrics;
  /** Made over the durable store when absent. */
  health?: Health;
  now?: () => Date;
}

export interface ApiServer {
  handler: RequestListener;
  /** Resolves when the durable store answers; throws what is wrong otherwise. */
  ready(): Promise<void>;
  /** Stops following; requests in flight may still finish. */
  stop(): Promise<void>;
}

/** The resource server, over any stores. Knows every revocation before it answers the first request. */
export async function createApi(config: ApiConfig, deps: ApiDeps): Promise<ApiServer> {
  const { durable, shared, logger, metrics, now } = deps;
  const clock = now ? { now } : {};
  const revocations = createRevocationFollower({
    feed: shared.feed,
    record: durable.revocations,
    onWarning: (error) => logger.warn({ err: error }, 'revocations not read, trying again'),
    onSigningKeys: () => void guard.refreshKeys(),
    ...(now ? { now: () => now().getTime() } : {}),
  });
  const routes = createRouteTable({ durable, feed: shared.feed, pepper: config.pepper, logger, ...clock });
  const guard = createApiGuard(config, routes, { revocations, logger, ...clock });
  const idempotency = createIdempotency({
    keys: durable.idempotencyKeys,
    pepper: config.pepper,
    logger,
    ...clock,
  });
  await revocations.start();
  const health = deps.health ?? createHealth({ durable: durable.ping });
  return {
    handler: createApp({ config, routes, guard, idempotency, logger, metrics, health }),
    ready: () => durable.ping(),
    stop: () => revocations.stop(),
  };
}
