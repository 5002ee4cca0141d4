/** Most records asked for in one query. */
const MOST = 1_000;

export interface BatchOptions<Row extends { id: string }, Value> {
  /** Those of the ids that exist, in one query. */
  load(ids: readonly string[]): Promise<readonly Row[]>;
  /** Takes in what was read, before anything else can happen; what it answers is handed to those who wait. */
  settle(id: string, row: Row | undefined): Value | undefined;
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
export class Batches<Row extends { id: string }, Value> {
  readonly #options: BatchOptions<Row, Value>;
  readonly #collecting: Waiting<Value> = new Map();
  /** Of the query that is under way. */
  #asked: Waiting<Value> = new Map();
  readonly #outdated = new Set<string>();

  constructor(options: BatchOptions<Row, Value>) {
    this.#options = options;
  }

  /** The record as it is now, or as it became later. Rejects as `load` does. */
  read(id: string): Promise<Value | undefined> {
    const underWay = this.#outdated.has(id) ? undefined : this.#asked.get(id);
    const waiting = underWay ?? this.#collecting.get(id);
    if (waiting) return waiting.promise;
    const created = Promise.withResolvers<Value | undefined>();
    this.#collecting.set(id, created);
    if (this.#asked.size === 0) void this.#ask();
    return created.promise;
  }

  /** The record changed: what a query that is under way says of it may be older, so it is read again after that. */
  outdate(id: string): void {
    if (this.#asked.has(id)) this.#outdated.add(id);
  }

  outdateAll(): void {
    for (const id of this.#asked.keys()) this.#outdated.add(id);
  }

  async #ask(): Promise<void> {
    while (this.#collecting.size > 0) {
      this.#asked = takeFirst(this.#collecting, MOST);
      try {
        this.#keep(await this.#options.load([...this.#asked.keys()]));
      } catch (error) {
        this.#refuse(error);
      }
      this.#asked = new Map();
      this.#outdated.clear();
    }
  }

  #keep(rows: readonly Row[]): void {
    const byId = new Map(rows.map((row) => [row.id, row]));
    for (const [id, { resolve, reject }] of this.#asked) {
      if (this.#outdated.has(id)) {
        resolve(this.read(id));
        continue;
      }
      try {
        resolve(this.#options.settle(id, byId.get(id)));
      } catch (error) {
        reject(error);
      }
    }
  }

  /** Those who wait behind a query that failed would wait as long again, most likely for the same. */
  #refuse(error: unknown): void {
    for (const { reject } of [...this.#asked.values(), ...this.#collecting.values()]) reject(error);
    this.#collecting.clear();
  }
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
