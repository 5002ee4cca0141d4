import type { RequestListener } from 'node:http';
import { createAnnouncements, createHealth, type Health, type Logger, type Metrics } from '@latchkey/service';
import type { DurableStorage, FeedEvent, SharedStorage } from '@latchkey/storage';
import { createApp } from './app.ts';
import type { ApiConfig } from './config.ts';
import { openDoor } from './door.ts';
import { createIdempotency } from './idempotency.ts';
import { createRouteTable } from './route-table.ts';

export type { ApiConfig } from './config.ts';
export { type Door, type DoorDeps, openDoor } from './door.ts';
export { apiEnv, checkApiEnv } from './env.ts';
export { countRequests } from './serve.ts';

export interface ApiDeps {
  durable: DurableStorage;
  shared: SharedStorage;
  logger: Logger;
  metrics: Metrics;
  /** Made over the durable store when absent. */
  health?: Health;
  now?: () => Date;
  /** As of `DoorDeps`. */
  monotonic?: () => number;
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
  const now = deps.now ? toMilliseconds(deps.now) : Date.now;
  const feed = createAnnouncements<FeedEvent>({
    publish: shared.feed.publish,
    tell: (event) => door.tell(event),
  });
  const routes = createRouteTable({ durable, feed, pepper: config.pepper, logger, ...clock });
  const scopes = [...new Set(routes.map(({ scope }) => scope))];
  const { monotonic } = deps;
  const door = await openDoor(config, { durable, shared, logger, scopes, now, monotonic });
  const { guard, metering } = door;
  const idempotency = createIdempotency({
    keys: durable.idempotencyKeys,
    pepper: config.pepper,
    logger,
    ...clock,
  });
  const health = deps.health ?? createHealth({ durable: durable.ping });
  return {
    handler: createApp({ config, routes, guard, idempotency, metering, logger, metrics, health }),
    ready: () => durable.ping(),
    async stop() {
      feed.stop();
      await door.close();
    },
  };
}

const toMilliseconds = (clock: () => Date) => () => clock().getTime();
