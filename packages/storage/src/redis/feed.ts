import { setTimeout as delay } from 'node:timers/promises';
import { StorageUnavailableError } from '../errors.ts';
import type { FeedEvent, FeedHandlers, RevocationFeed } from '../revocations.ts';
import type { RedisConnection } from './connection.ts';

/** Events the stream keeps, about: how far back a process that lost its connection can catch up. */
const KEPT_EVENTS = 10_000;
const BATCH = 500;
/** How long one read waits for an event. Also the longest until an emptied store is noticed. */
const BLOCK_MS = 2_000;
const RETRY_MS = 250;

/** For the follower's connection: longer than a read blocks. */
export const FOLLOWER_ANSWER_TIMEOUT_MS = BLOCK_MS + 3_000;

/** A Redis stream. `connect` makes a connection for one follower, since its reads block. */
export function createRedisFeed(
  redis: RedisConnection,
  key: string,
  connect: () => RedisConnection,
): RevocationFeed {
  return {
    async publish(event) {
      await redis.send('xadd', key, 'MAXLEN', '~', KEPT_EVENTS, '*', 'event', JSON.stringify(event));
    },
    async follow(handlers) {
      const connection = connect();
      const closing = new AbortController();
      // With Redis away there is nothing to miss yet: follow from the moment it is back, beginning with a gap.
      const start = await findEnd(connection, key).catch((error: unknown) => {
        if (error instanceof StorageUnavailableError) return undefined;
        connection.disconnect();
        throw error;
      });
      const ended = followFrom(start, { connection, key, handlers, signal: closing.signal });
      return {
        async close() {
          closing.abort();
          connection.disconnect();
          await ended;
        },
      };
    },
  };
}

interface Follower {
  connection: RedisConnection;
  key: string;
  handlers: FeedHandlers;
  signal: AbortSignal;
}

async function followFrom(start: string | undefined, follower: Follower): Promise<void> {
  const { connection, key, handlers, signal } = follower;
  let position = start;
  while (!signal.aborted) {
    try {
      if (position === undefined || !(await holds(connection, key, position))) {
        // The end is read before the gap is told: what is reread after the call covers all before that end.
        position = await findEnd(connection, key);
        handlers.onGap();
      }
      for (const { id, event } of await readAfter(connection, key, position)) {
        position = id;
        if (event) handlers.onEvent(event);
      }
    } catch {
      await delay(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }
}

/**
 * Whether the stream still holds the entry last seen. If not, it was trimmed beyond it, emptied, or replaced by a
 * replica that had not received it: in each case later entries may be gone as well.
 */
async function holds(connection: RedisConnection, key: string, id: string): Promise<boolean> {
  const entries = await connection.send('xrange', key, id, id);
  return Array.isArray(entries) && entries.length > 0;
}

/** The id of the newest entry. An empty stream gets one without an event, so that every position can be found again. */
async function findEnd(connection: RedisConnection, key: string): Promise<string> {
  const newest = toEntries(await connection.send('xrevrange', key, '+', '-', 'COUNT', 1))[0];
  return newest?.id ?? String(await connection.send('xadd', key, '*', 'start', ''));
}

async function readAfter(connection: RedisConnection, key: string, id: string): Promise<Entry[]> {
  const reply = await connection.send('xread', 'COUNT', BATCH, 'BLOCK', BLOCK_MS, 'STREAMS', key, id);
  // [[key, entries]] in RESP2, [key, entries] flattened from RESP3's map; null when nothing came.
  const streams = Array.isArray(reply) ? reply.flat(Array.isArray(reply[0]) ? 1 : 0) : [];
  return toEntries(streams[1]);
}

interface Entry {
  id: string;
  event: FeedEvent | undefined;
}

function toEntries(reply: unknown): Entry[] {
  if (!Array.isArray(reply)) return [];
  return reply.map(([id, fields]: [string, string[]]) => ({
    id,
    event: fields[0] === 'event' && fields[1] !== undefined ? parseEvent(fields[1]) : undefined,
  }));
}

function parseEvent(text: string): FeedEvent {
  return JSON.parse(text, (name, value) =>
    name === 'revokedAt' || name === 'expiresAt' ? new Date(value) : value,
  );
}
