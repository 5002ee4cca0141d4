import type { Principal } from '@latchkey/guard';
import type { Logger } from '@latchkey/service';
import type { DurableStorage, UsageCount } from '@latchkey/storage';
import { createRepeatable } from '../directory/repeatable.ts';
import { createLastUses } from './last-uses.ts';
import { createUsageRows } from './rows.ts';
import { createTallies } from './tallies.ts';

const FLUSH_EVERY_MS = 10_000;
/** Rows of one write: bounds how long it holds the table's rows. */
const MOST_ROWS_A_WRITE = 5_000;
/** What an outage of PostgreSQL may cost in memory: about 50 MB. */
const MOST_ROWS = 100_000;

export interface Metering {
  /** One answered request of a known credential. */
  count(principal: Principal, route: string, status: number): void;
  /** Begins to write every 10 s. */
  start(): void;
  /** Writes what is counted; what cannot be written is kept for the next time. Never rejects. */
  flush(): Promise<void>;
  /** Writes for the last time. */
  stop(): Promise<void>;
}

export interface MeteringDeps {
  durable: { usage: Pick<DurableStorage['usage'], 'add'>; apiKeys: Pick<DurableStorage['apiKeys'], 'touch'> };
  logger: Logger;
  /** Kept while they cannot be written. Default 100,000. */
  mostRows?: number;
  /** Epoch milliseconds. */
  now: () => number;
}

/**
 * Counts requests in memory and writes the sums. A write that failed is tried again as it was, with nothing added to
 * it: it was all or nothing.
 */
export function createMetering({ durable, logger, mostRows = MOST_ROWS, now }: MeteringDeps): Metering {
  const rows = createUsageRows(logger, mostRows);
  const uses = createLastUses();
  const tallies = createTallies(now, (principal, { routes, lastAt }, minute) => {
    if (principal.apiKeyId !== undefined) uses.note(principal.apiKeyId, lastAt);
    for (const [route, counts] of routes) rows.add(principal, route, counts, minute);
  });
  let unsent: readonly UsageCount[] = [];
  let timer: NodeJS.Timeout | undefined;

  async function write(): Promise<void> {
    tallies.close();
    for (;;) {
      if (unsent.length === 0) unsent = rows.take(MOST_ROWS_A_WRITE);
      if (unsent.length === 0) break;
      await durable.usage.add(unsent);
      unsent = [];
    }
    rows.settled();
    await uses.write(durable, now());
  }
  const flush = createRepeatable(write, (error) => logger.warn({ err: error }, 'usage not written, kept'));

  return {
    count(principal, route, status) {
      if (principal.organizationId !== undefined) tallies.count(principal, route, status);
    },
    start() {
      timer = setInterval(() => void flush(), FLUSH_EVERY_MS).unref();
    },
    flush,
    async stop() {
      clearInterval(timer);
      await flush();
      const lost = unsent.length + rows.size;
      if (lost > 0) logger.error({ rows: lost }, 'usage not written at the end, lost');
    },
  };
}
