import { createRateLimiter, type Guard } from '@latchkey/guard';
import type { Logger } from '@latchkey/service';
import type { DurableStorage, FeedEvent, SharedStorage } from '@latchkey/storage';
import type { ApiConfig } from './config.ts';
import { createApiGuard } from './guard.ts';
import { createKnowledge } from './knowledge.ts';
import { createMetering, type Metering } from './metering/metering.ts';
import { holdAfterStandstill } from './standstill.ts';

/** What stands before every route: the guard with all that it knows, and the counting of who came through. */
export interface Door {
  guard: Guard;
  metering: Pick<Metering, 'count'>;
  /** What this process itself changed: it knows so at once. */
  tell(event: FeedEvent): void;
  /** Writes what is counted, and stops following. */
  close(): Promise<void>;
}

export interface DoorDeps {
  durable: DurableStorage;
  shared: SharedStorage;
  logger: Logger;
  /** Those that routes ask for. */
  scopes: readonly string[];
  /** Epoch milliseconds. */
  now: () => number;
  /** Milliseconds that never go back, by which a standstill is noticed. Default: `performance.now`. */
  monotonic?: (() => number) | undefined;
}

/** Knows every revocation, and every organisation, before it answers. */
export async function openDoor(config: ApiConfig, deps: DoorDeps): Promise<Door> {
  const { durable, shared, logger, scopes, now } = deps;
  const onSigningKeys = () => void guard.refreshKeys();
  const knowledge = createKnowledge(config, { durable, shared, logger, onSigningKeys, now });
  const limiter = createRateLimiter({
    permits: shared.permits,
    group: 'api',
    onUnavailable: (error) => logger.warn({ err: error }, 'limits are counted by each process alone'),
    now,
  });
  const { guard, stop: stopLooking } = holdAfterStandstill(
    createApiGuard(config, { scopes, knowledge, limiter, durable, logger, now }),
    { catchUp: knowledge.catchUp, monotonic: deps.monotonic },
  );
  const metering = createMetering({ durable, logger, now });
  const close = async () => {
    stopLooking();
    await metering.stop();
    await knowledge.stop();
    limiter.close();
  };
  try {
    await knowledge.start();
  } catch (error) {
    await close();
    throw error;
  }
  metering.start();
  return { guard, metering, tell: knowledge.tell, close };
}
