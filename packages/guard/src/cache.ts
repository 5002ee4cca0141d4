export interface CacheBounds {
  maxEntries: number;
  /** Estimated, on the heap. */
  maxBytes: number;
}

export interface Cache<Entry> {
  get(key: string): Entry | undefined;
  set(key: string, entry: Entry): void;
  readonly size: number;
}

/**
 * Least recently used goes first, in two generations: a full young one becomes the old one, whose entries are
 * moved up when they are used and forgotten otherwise. A hit in the young generation writes nothing. What is in use
 * stays, as long as it fits into half of the bounds.
 * @param entryBytes what an entry holds besides its key, by heap measurement, rounded up
 */
export function createCache<Entry>(bounds: CacheBounds, entryBytes: number): Cache<Entry> {
  const maxEntries = Math.max(1, Math.floor(bounds.maxEntries / 2));
  const maxBytes = bounds.maxBytes / 2;
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();
  let youngBytes = 0;

  function set(key: string, entry: Entry): void {
    const bytes = key.length + entryBytes;
    if (bytes > maxBytes) return;
    if (!young.has(key)) {
      if (young.size >= maxEntries || youngBytes + bytes > maxBytes) {
        old = young;
        young = new Map();
        youngBytes = 0;
      }
      youngBytes += bytes;
    }
    young.set(key, entry);
  }

  return {
    get(key) {
      const hit = young.get(key);
      if (hit !== undefined) return hit;
      const aged = old.get(key);
      if (aged !== undefined) {
        old.delete(key);
        set(key, aged);
      }
      return aged;
    },
    set,
    get size() {
      return young.size + old.size;
    },
  };
}
