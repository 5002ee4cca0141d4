/** Most records asked for in one query. */
const MOST = 1_000;

export interface BatchOptions<Row extends { id: string }, Value> {
  /** Those of the ids that exist, in one query. */
  load(ids: readonly string[]): Promise<readonly Row[]>;
  /** Takes in what was read, before anything else can happen; what it answers is handed to those who wait. */
  settle(id: string, row: Row | undefined): Value | undefined;
}

export interface Batches<Value> {
  /** The record as it is now, or as it became later. Rejects as `load` does. */
  read(id: string): Promise<Value | undefined>;
  /** The record changed: what a query that is under way says of it may be older, so it is read again after that. */
  outdate(id: string): void;
  outdateAll(): void;
}

type Waiting<Value> = Map<string, PromiseWithResolvers<Value | undefined>>;

/**
 * Reads records by id, one query at a time: whoever asks meanwhile waits for the next, together. So a flood of
 * made-up ids costs a query for each round trip, not for each request.
 *
 * The race this settles: a query reads a record; the record changes and everybody is told; then the answer arrives,
 * and would be kept as if it were new. `outdate` between the sending and the answer has the id read once more, by a
 * query that is sent after the change. Answers are taken in by `settle` synchronously, so that no change can be
 * announced between an answer's last check and its being kept.
 */
export function createBatches<Row extends { id: string }, Value>({
  load,
  settle,
}: BatchOptions<Row, Value>): Batches<Value> {
  const collecting: Waiting<Value> = new Map();
  let asked: Waiting<Value> = new Map();
  const outdated = new Set<string>();

  function read(id: string): Promise<Value | undefined> {
    const underWay = outdated.has(id) ? undefined : asked.get(id);
    const waiting = underWay ?? collecting.get(id);
    if (waiting) return waiting.promise;
    const created = Promise.withResolvers<Value | undefined>();
    collecting.set(id, created);
    if (asked.size === 0) void ask();
    return created.promise;
  }

  async function ask(): Promise<void> {
    while (collecting.size > 0) {
      asked = takeFirst(collecting, MOST);
      try {
        keep(await load([...asked.keys()]));
      } catch (error) {
        refuse(error);
      }
      asked = new Map();
      outdated.clear();
    }
  }

  function keep(rows: readonly Row[]): void {
    const byId = new Map(rows.map((row) => [row.id, row]));
    for (const [id, { resolve, reject }] of asked) {
      if (outdated.has(id)) {
        resolve(read(id));
        continue;
      }
      try {
        resolve(settle(id, byId.get(id)));
      } catch (error) {
        reject(error);
      }
    }
  }

  /** Those who wait behind a query that failed would wait as long again, most likely for the same. */
  function refuse(error: unknown): void {
    for (const { reject } of [...asked.values(), ...collecting.values()]) reject(error);
    collecting.clear();
  }

  return {
    read,
    outdate(id) {
      if (asked.has(id)) outdated.add(id);
    },
    outdateAll() {
      for (const id of asked.keys()) outdated.add(id);
    },
  };
}

function takeFirst<Value>(from: Waiting<Value>, most: number): Waiting<Value> {
  const taken: Waiting<Value> = new Map();
  for (const [id, waiting] of from) {
    if (taken.size === most) break;
    taken.set(id, waiting);
    from.delete(id);
  }
  return taken;
}
