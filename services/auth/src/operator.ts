import { createOperator, type Operator } from '@latchkey/registry';
import type { Logger } from '@latchkey/service';
import type { DurableStorage, SharedStorage } from '@latchkey/storage';

type Who = { actor: Operator['actor'] } | { name: string };

/** The registry's rules, for one request: who asks, and from where. */
export type OperatorFor = (who: Who, origin: Operator['origin']) => Operator;

export function createOperatorFor(deps: {
  durable: DurableStorage;
  shared: Pick<SharedStorage, 'feed'>;
  logger: Logger;
  now: () => Date;
}): OperatorFor {
  const { durable, shared, logger, now } = deps;
  const onMissed = logMissed(logger);
  return (who, origin) => createOperator({ durable, feed: shared.feed, onMissed, now, origin, ...who });
}

/** A change that is durable stands, whether or not the feed took it. */
export function logMissed(logger: Logger): (cause: unknown) => void {
  return (cause) => logger.warn({ err: cause }, 'change not announced; processes find it in the database');
}
