import type { RequestListener } from 'node:http';
import { createRateLimiter } from '@latchkey/guard';
import { createHealth, type Health, type Logger, type Metrics } from '@latchkey/service';
import type { DurableStorage, SharedStorage } from '@latchkey/storage';
import { createApp } from './app.ts';
import type { ApiConfig } from './config.ts';
import { createApiGuard } from './guard.ts';
import { createIdempotency } from './idempotency.ts';
import { createKnowledge } from './knowledge.ts';
import { createMetering } from './metering/metering.ts';
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
  /** Writes the usage that is counted and stops following. For after the last request has been answered. */
  stop(): Promise<void>;
}

/** The resource server, over any stores. Knows every revocation before it answers the first request. */
export async function createApi(config: ApiConfig, deps: ApiDeps): Promise<ApiServer> {
  const { durable, shared, logger, metrics } = deps;
  const clock = deps.now ? { now: deps.now } : {};
  const now = () => (deps.now?.() ?? new Date()).getTime();
  const routes = createRouteTable({ durable, feed: shared.feed, pepper: config.pepper, logger, ...clock });
  const onSigningKeys = () => void guard.refreshKeys();
  const knowledge = createKnowledge(config, { durable, shared, logger, onSigningKeys, now });
  const limiter = createRateLimiter({
    permits: shared.permits,
    onUnavailable: (error) => logger.warn({ err: error }, 'limits are counted by each process alone'),
    now,
  });
  const guard = createApiGuard(config, { routes, knowledge, limiter, durable, logger, now });
  const metering = createMetering({ durable, logger, now });
  const idempotency = createIdempotency({
    keys: durable.idempotencyKeys,
    pepper: config.pepper,
    logger,
    ...clock,
  });
  const stop = async () => {
    await metering.stop();
    await knowledge.stop();
    limiter.close();
  };
  try {
    await knowledge.start();
  } catch (error) {
    await stop();
    throw error;
  }
  metering.start();
  const health = deps.health ?? createHealth({ durable: durable.ping });
  return {
    handler: createApp({ config, routes, guard, idempotency, metering, logger, metrics, health }),
    ready: () => durable.ping(),
    stop,
  };
}
