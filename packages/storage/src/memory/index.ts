import { createMemoryPermits } from '@latchkey/guard/permits';
import type { Counters, Replays } from '../artifacts.ts';
import { StorageUnavailableError } from '../errors.ts';
import type { SharedStorage } from '../storage.ts';
import { createMemoryArtifacts } from './artifacts.ts';
import { createExpiringMap } from './expiring.ts';
import { createMemoryFeed } from './feed.ts';

export interface MemoryOptions {
  now?: () => Date;
}

/** Short-lived records within this process; they end with it. */
export function openMemory({ now = () => new Date() }: MemoryOptions = {}): SharedStorage {
  const { artifacts, close: closeArtifacts } = createMemoryArtifacts(now);
  const { feed, close: closeFeed } = createMemoryFeed();
  const claimed = createExpiringMap<true>(now);
  const counted = createExpiringMap<{ count: number }>(now);
  let closed = false;
  return {
    artifacts,
    replays: createReplays(claimed),
    counters: createCounters(counted),
    permits: createMemoryPermits(() => now().getTime()),
    feed,
    async ping() {
      if (closed) throw new StorageUnavailableError('the store is closed');
    },
    async close() {
      closed = true;
      closeArtifacts();
      closeFeed();
      claimed.close();
      counted.close();
    },
  };
}

type Expiring<V> = ReturnType<typeof createExpiringMap<V>>;

function createReplays(claimed: Expiring<true>): Replays {
  return {
    async claim(key, ttlSeconds) {
      if (claimed.get(key)) return false;
      claimed.set(key, true, ttlSeconds);
      return true;
    },
  };
}

function createCounters(counted: Expiring<{ count: number }>): Counters {
  const peek = (key: string) => ({
    count: counted.get(key)?.count ?? 0,
    resetSeconds: Math.ceil(counted.remainingMs(key) / 1000),
  });
  return {
    async increment(key, windowSeconds) {
      const counter = counted.get(key);
      if (counter) counter.count += 1;
      else counted.set(key, { count: 1 }, windowSeconds);
      return peek(key);
    },
    peek: async (key) => peek(key),
    async reset(key) {
      counted.delete(key);
    },
  };
}
