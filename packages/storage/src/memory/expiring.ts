/** How often what has expired is swept, beside being dropped when it is met. */
const SWEEP_INTERVAL_MS = 30_000;

/** A map whose entries end. */
export interface ExpiringMap<V> {
  get(key: string): V | undefined;
  set(key: string, value: V, ttlSeconds: number): void;
  /** Milliseconds until the entry ends; zero when there is none. */
  remainingMs(key: string): number;
  delete(key: string): boolean;
  /** Drops what has expired. Happens by itself now and then. */
  sweep(): void;
  /** Entries held, expired ones that were not swept yet included. */
  readonly size: number;
  close(): void;
}

export function createExpiringMap<V>(now: () => Date): ExpiringMap<V> {
  const entries = new Map<string, { value: V; expiresAtMs: number }>();
  const find = (key: string) => {
    const entry = entries.get(key);
    if (entry && entry.expiresAtMs <= now().getTime()) {
      entries.delete(key);
      return undefined;
    }
    return entry;
  };
  const sweep = () => {
    for (const key of entries.keys()) find(key);
  };
  const timer = setInterval(sweep, SWEEP_INTERVAL_MS).unref();
  return {
    get: (key) => find(key)?.value,
    set: (key, value, ttlSeconds) => {
      entries.set(key, { value, expiresAtMs: now().getTime() + Math.max(1, ttlSeconds) * 1000 });
    },
    remainingMs: (key) => {
      const entry = find(key);
      return entry ? entry.expiresAtMs - now().getTime() : 0;
    },
    delete: (key) => find(key) !== undefined && entries.delete(key),
    sweep,
    get size() {
      return entries.size;
    },
    close: () => {
      clearInterval(timer);
      entries.clear();
    },
  };
}
