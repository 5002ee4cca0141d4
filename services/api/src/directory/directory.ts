import { createBatches } from './batches.ts';
import { createRepeatable } from './repeatable.ts';
import { createTwoAges } from './two-ages.ts';

/** How long it is remembered that there is no such record. */
const ABSENT_MS = 5_000;
const MOST_ABSENT = 10_000;
/**
 * A record in use is read again after this, behind the request that found it so old. Bounds what is known of a record
 * that was changed without an announcement and is not among the changed ones any more, because it is deleted.
 */
const RECHECK_MS = 60_000;
/** After a recheck that failed. */
const RETRY_MS = 5_000;
/**
 * Changes are asked for from this long before the last look: they are stamped by the clock of whoever makes them,
 * when it begins to, and may be seen later than one with a later stamp.
 */
const MARGIN_MS = 60_000;

export interface DirectoryOptions<Row extends { id: string }, Value extends object> {
  /** Those of the ids that exist, in one query. */
  load(ids: readonly string[]): Promise<readonly Row[]>;
  /** Ids of what was changed at or after this instant. */
  listChangedSince(since: Date): Promise<readonly string[]>;
  /** A flat object. Where one with the same fields is known already, that one stays. */
  toValue(row: Row): Value;
  /** Most records in memory. */
  capacity: number;
  /** How long what is known counts without a look at the changes: how long the store may be away. */
  maxAgeMs: number;
  /** Told when the store could not be read in the background. */
  onFailure(error: unknown): void;
  /** Epoch milliseconds. */
  now: () => number;
}

/** Records of the durable store, answered from memory. */
export interface Directory<Value> {
  /** At once where it is known well enough; rejects when the store is away and nothing recent enough is known. */
  find(id: string): Value | undefined | Promise<Value | undefined>;
  /** The record was changed, made or deleted: what is known of it does not count from now on. */
  outdate(id: string): void;
  /** Changes may have been missed: each record is read again before it counts, while the store can be read. */
  suspectAll(): void;
  /** Takes in the changes since the last look. Never rejects. */
  reread(): Promise<void>;
  /** Makes these records known; reads all that are asked for. */
  seed(ids: () => Promise<readonly string[]>): Promise<void>;
  readonly size: number;
}

interface Entry<Value> {
  value: Value;
  /** Of `suspicion`, when the value was read. */
  suspicion: number;
  checkedAt: number;
}

export function createDirectory<Row extends { id: string }, Value extends object>(
  options: DirectoryOptions<Row, Value>,
): Directory<Value> {
  const { toValue, now, maxAgeMs, onFailure } = options;
  const entries = createTwoAges<Entry<Value>>(options.capacity);
  const absent = createAbsences(now);
  let suspicion = 0;
  let changesReadAt = now();

  /** Synchronous with the arrival of the row: see `createBatches`. */
  function settle(id: string, row: Row | undefined): Value | undefined {
    if (row === undefined) {
      entries.delete(id);
      absent.add(id);
      return undefined;
    }
    const known = entries.get(id)?.value;
    const fresh = toValue(row);
    const value = known && hasSameFields(known, fresh) ? known : fresh;
    absent.delete(id);
    entries.set(id, { value, suspicion, checkedAt: now() });
    return value;
  }
  const { read, ...batches } = createBatches({ ...options, settle });

  /** What is known already stands in while the store is away, unless a change of it was announced meanwhile. */
  async function readOr(id: string, known: Entry<Value>): Promise<Value | undefined> {
    try {
      return await read(id);
    } catch (error) {
      if (entries.get(id) !== known) throw error;
      known.suspicion = suspicion;
      known.checkedAt = now() - RECHECK_MS + RETRY_MS;
      return known.value;
    }
  }

  function recheck(id: string, known: Entry<Value>): void {
    known.checkedAt = now() - RECHECK_MS + RETRY_MS;
    read(id).catch(onFailure);
  }

  function outdate(id: string): void {
    absent.delete(id);
    batches.outdate(id);
    if (entries.delete(id)) read(id).catch(onFailure);
  }

  async function readChanges(): Promise<void> {
    const startedAt = now();
    const changed = await options.listChangedSince(new Date(changesReadAt - MARGIN_MS));
    const inUse = changed.filter((id) => entries.get(id) !== undefined);
    for (const id of changed) {
      absent.delete(id);
      // A query under way may have been answered before the change was there to see.
      batches.outdate(id);
    }
    await Promise.all(inUse.map(read));
    changesReadAt = startedAt;
  }

  return {
    find(id) {
      const known = entries.get(id);
      if (known === undefined) return absent.has(id) ? undefined : read(id);
      const at = now();
      if (at - changesReadAt > maxAgeMs) return read(id);
      if (known.suspicion !== suspicion) return readOr(id, known);
      if (at - known.checkedAt >= RECHECK_MS) recheck(id, known);
      return known.value;
    },
    outdate,
    suspectAll() {
      suspicion += 1;
      absent.clear();
      batches.outdateAll();
    },
    reread: createRepeatable(readChanges, onFailure),
    async seed(ids) {
      await Promise.all((await ids()).map(read));
    },
    get size() {
      return entries.size;
    },
  };
}

interface Absences {
  has(id: string): boolean;
  add(id: string): void;
  delete(id: string): void;
  clear(): void;
}

function createAbsences(now: () => number): Absences {
  const until = new Map<string, number>();
  return {
    has: (id) => (until.get(id) ?? 0) > now(),
    add(id) {
      const [oldest] = until.keys();
      if (until.size >= MOST_ABSENT && oldest !== undefined) until.delete(oldest);
      until.delete(id);
      until.set(id, now() + ABSENT_MS);
    },
    delete: (id) => void until.delete(id),
    clear: () => until.clear(),
  };
}

function hasSameFields<Value extends object>(one: Value, other: Value): boolean {
  const names = Object.keys(one) as (keyof Value)[];
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
