import type { Principal } from '@latchkey/guard';
import type { Logger } from '@latchkey/service';
import type { DurableStorage, UsageCount } from '@latchkey/storage';
import { createRepeatable } from './directory/repeatable.ts';
import { createUsageRows } from './usage-rows.ts';

const FLUSH_EVERY_MS = 10_000;
const MINUTE_MS = 60_000;
/** How often at most the last use of a key is written. */
const TOUCH_EVERY_MS = 60_000;
/** Rows of one write: bounds how long it holds the table's rows. */
const MOST_ROWS_A_WRITE = 5_000;
/** Tokens counted apart until they are added up by client: bounds what a client costs that uses each only once. */
const MOST_PRINCIPALS = 20_000;
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
  durable: Pick<DurableStorage, 'usage' | 'apiKeys'>;
  logger: Logger;
  /** Kept while they cannot be written. Default 100,000. */
  mostRows?: number;
  /** Epoch milliseconds. */
  now: () => number;
}

/** What one credential did in one minute. */
interface Tally {
  lastAt: number;
  /** By route: requests answered with 2xx, 3xx, 4xx and 5xx. */
  routes: Map<string, number[]>;
}

/**
 * Counts requests in memory by the principal, which is one object as long as a credential is cached, and writes the
 * sums. A write that failed is tried again as it was, with nothing added to it: it was all or nothing.
 */
export function createMetering({ durable, logger, mostRows = MOST_ROWS, now }: MeteringDeps): Metering {
  const rows = createUsageRows(logger, mostRows);
  const uses = createLastUses();
  let tallies = new Map<Principal, Tally>();
  let minute = 0;
  let unsent: readonly UsageCount[] = [];
  let timer: NodeJS.Timeout | undefined;

  function close(): void {
    for (const [principal, { routes, lastAt }] of tallies) {
      if (principal.apiKeyId !== undefined) uses.note(principal.apiKeyId, lastAt);
      for (const [route, counts] of routes) rows.add(principal, route, counts, minute);
    }
    tallies = new Map();
  }

  function tallyOf(principal: Principal, at: number): Tally {
    const begun = at - (at % MINUTE_MS);
    if (begun !== minute || tallies.size >= MOST_PRINCIPALS) {
      close();
      minute = begun;
    }
    const known = tallies.get(principal);
    if (known) return known;
    const tally = { lastAt: at, routes: new Map() };
    tallies.set(principal, tally);
    return tally;
  }

  async function write(): Promise<void> {
    close();
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
      if (principal.organizationId === undefined) return;
      const at = now();
      const tally = tallyOf(principal, at);
      tally.lastAt = at;
      const place = Math.trunc(status / 100) - 2;
      const counts = tally.routes.get(route) ?? [0, 0, 0, 0];
      counts[place] = (counts[place] ?? 0) + 1;
      if (counts[place] === 1) tally.routes.set(route, counts);
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

/** When each key was used last, written once a minute at most. */
function createLastUses() {
  const unwritten = new Map<string, number>();
  const writtenAt = new Map<string, number>();
  return {
    note(id: string, at: number): void {
      unwritten.set(id, Math.max(unwritten.get(id) ?? 0, at));
    },
    /** Writes those that are due; nothing is lost where that fails. */
    async write({ apiKeys }: Pick<DurableStorage, 'apiKeys'>, at: number): Promise<void> {
      for (const [id, written] of writtenAt) if (at - written >= TOUCH_EVERY_MS) writtenAt.delete(id);
      const due = [...unwritten].filter(([id]) => !writtenAt.has(id));
      if (due.length === 0) return;
      await apiKeys.touch(due.map(([id, usedAt]) => ({ id, at: new Date(usedAt) })));
      for (const [id, usedAt] of due) {
        writtenAt.set(id, at);
        // It may have been used again during the write.
        if (unwritten.get(id) === usedAt) unwritten.delete(id);
      }
    },
  };
}
