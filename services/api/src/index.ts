import type { RequestListener } from 'node:http';
import { createHealth, type Health, type Logger, type Metrics } from '@latchkey/service';
import type { DurableStorage, SharedStorage } from '@latchkey/storage';
import { createApiGuard, createApp } from './app.ts';
import type { ApiConfig } from './config.ts';
import { createRevocationFollower } from './revocations.ts';

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
    durable,
    shared,
    logger,
    onSigningKeys: () => void guard.refreshKeys(),
    ...clock,
  });
  const guard = createApiGuard(config, durable.manufacturing, { revocations, logger, ...clock });
  await revocations.start();
  const health = deps.health ?? createHealth({ durable: durable.ping });
  return {
    handler: createApp({ config, data: durable.manufacturing, guard, logger, metrics, health }),
    ready: () => durable.ping(),
    stop: () => revocations.stop(),
  };
}
