import { LRUCache } from 'lru-cache';

export interface FreshCache<V> {
  /** The value, at most `maxAgeMs` old. Absence is never remembered. */
  find(key: string): Promise<V | undefined>;
  /** Forgets one value, or all. A read in flight that began before is not kept. */
  drop(key?: string): void;
}

/** Copies of records that change rarely. The feed drops them within a second; the age bounds what it misses. */
export function createFreshCache<V>(options: {
  load: (key: string) => Promise<V | undefined>;
  now: () => Date;
  maxAgeMs?: number;
  maxEntries?: number;
}): FreshCache<V> {
  const { load, now, maxAgeMs = 5_000, maxEntries = 10_000 } = options;
  const entries = new LRUCache<string, { readAt: number; value: Promise<V | undefined> }>({
    max: maxEntries,
  });
  return {
    async find(key) {
      const cached = entries.get(key);
      const time = now().getTime();
      if (cached && time - cached.readAt < maxAgeMs) return cached.value;
      const entry = { readAt: time, value: load(key) };
      entries.set(key, entry);
      const forget = () => {
        if (entries.get(key) === entry) entries.delete(key);
      };
      try {
        const value = await entry.value;
        if (value === undefined) forget();
        return value;
      } catch (error) {
        forget();
        throw error;
      }
    },
    drop(key) {
      if (key === undefined) entries.clear();
      else entries.delete(key);
    },
  };
}
