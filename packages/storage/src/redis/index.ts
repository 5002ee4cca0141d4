import { createRedisPermits } from '@latchkey/guard/permits';
import type { SharedStorage } from '../storage.ts';
import { parseRedisUrl } from './address.ts';
import { createRedisArtifacts } from './artifacts.ts';
import { connectRedis } from './connection.ts';
import { createRedisCounters, createRedisReplays } from './counters.ts';
import { createRedisFeed, FOLLOWER_ANSWER_TIMEOUT_MS } from './feed.ts';

export interface RedisOptions {
  /** As `parseRedisUrl` reads it: a server, Sentinels or a Cluster. */
  url: string;
  /** Begins every key; keep it the same for all processes. */
  keyPrefix?: string;
}

const ANSWER_TIMEOUT_MS = 2_000;
const PING_TTL_SECONDS = 60;

/**
 * Connects at once, and again for ever: a Redis that is away makes calls fail with `StorageUnavailableError`
 * within seconds, and no restart is needed when it is back.
 */
export function openRedis({ url, keyPrefix = 'latchkey:' }: RedisOptions): SharedStorage {
  const address = parseRedisUrl(url);
  const redis = connectRedis(address, ANSWER_TIMEOUT_MS);
  return {
    artifacts: createRedisArtifacts(redis, keyPrefix),
    replays: createRedisReplays(redis, keyPrefix),
    counters: createRedisCounters(redis, keyPrefix),
    permits: createRedisPermits(redis.run, keyPrefix),
    feed: createRedisFeed(redis, `${keyPrefix}feed`, () => connectRedis(address, FOLLOWER_ANSWER_TIMEOUT_MS)),
    async ping() {
      // A write: a Redis that is full, or a replica, answers everything else.
      await redis.send('set', `${keyPrefix}ping`, 1, 'EX', PING_TTL_SECONDS);
    },
    async close() {
      redis.disconnect();
    },
  };
}
