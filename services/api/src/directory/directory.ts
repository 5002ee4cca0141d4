import { createAbsences } from './absences.ts';
import { Batches } from './batches.ts';
import { createRepeatable } from './repeatable.ts';
import { createTwoAges, type TwoAges } from './two-ages.ts';

/**
 * A record in use is read again after this, behind the request that found it so old; one that was not used until
 * twice this, before it counts. Bounds what is known of a record that was changed without an announcement and is not
 * among the changed ones any more, because it is deleted.
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

interface Entry<Value> {
  value: Value;
  /** As of `suspicion`, when the value was read. */
  suspicion: number;
  checkedAt: number;
}

/** Records of the durable store, answered from memory. */
export class Directory<Row extends { id: string }, Value extends object> {
  readonly #options: DirectoryOptions<Row, Value>;
  readonly #entries: TwoAges<Entry<Value>>;
  readonly #absent: ReturnType<typeof createAbsences>;
  readonly #batches: Batches<Row, Value>;
  /** How often changes may have been missed. */
  #suspicion = 0;
  #changesReadAt: number;

  constructor(options: DirectoryOptions<Row, Value>) {
    this.#options = options;
    this.#entries = createTwoAges(options.capacity);
    this.#absent = createAbsences(options.now);
    this.#batches = new Batches({ load: options.load, settle: (id, row) => this.#settle(id, row) });
    this.#changesReadAt = options.now();
    this.reread = createRepeatable(() => this.#readChanges(), options.onFailure);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** At once where it is known well enough; rejects when the store is away and nothing recent enough is known. */
  find(id: string): Value | undefined | Promise<Value | undefined> {
    const known = this.#entries.get(id);
    if (known === undefined) return this.#absent.has(id) ? undefined : this.#batches.read(id);
    const at = this.#options.now();
    if (at - this.#changesReadAt > this.#options.maxAgeMs) return this.#batches.read(id);
    if (known.suspicion !== this.#suspicion) return this.#readOr(id, known);
    const age = at - known.checkedAt;
    // Where changes could not be read lately the store is away: nobody waits for it to be away still.
    if (age >= 2 * RECHECK_MS && at - this.#changesReadAt < RECHECK_MS) return this.#readOr(id, known);
    if (age >= RECHECK_MS) this.#recheck(id, known, at);
    return known.value;
  }

  /** The record was changed, made or deleted: what is known of it does not count from now on. */
  outdate(id: string): void {
    this.#absent.delete(id);
    this.#batches.outdate(id);
    if (this.#entries.delete(id)) this.#batches.read(id).catch(this.#options.onFailure);
  }

  /** Changes may have been missed: each record is read again before it counts, while the store can be read. */
  suspectAll(): void {
    this.#suspicion += 1;
    this.#absent.clear();
    this.#batches.outdateAll();
  }

  /** Takes in the changes since the last look. Never rejects. */
  readonly reread: () => Promise<void>;

  /** Makes these records known. */
  async seed(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#batches.read(id)));
  }

  /** Synchronous with the arrival of the row: see `Batches`. */
  #settle(id: string, row: Row | undefined): Value | undefined {
    if (row === undefined) {
      this.#entries.delete(id);
      this.#absent.add(id);
      return undefined;
    }
    const known = this.#entries.get(id)?.value;
    const fresh = this.#options.toValue(row);
    const value = known && hasSameFields(known, fresh) ? known : fresh;
    this.#absent.delete(id);
    this.#entries.set(id, { value, suspicion: this.#suspicion, checkedAt: this.#options.now() });
    return value;
  }

  /** What is known already stands in while the store is away, unless a change of it was announced meanwhile. */
  async #readOr(id: string, known: Entry<Value>): Promise<Value | undefined> {
    try {
      return await this.#batches.read(id);
    } catch (error) {
      if (this.#entries.get(id) !== known) throw error;
      known.suspicion = this.#suspicion;
      known.checkedAt = this.#options.now() - RECHECK_MS + RETRY_MS;
      return known.value;
    }
  }

  #recheck(id: string, known: Entry<Value>, at: number): void {
    known.checkedAt = at - RECHECK_MS + RETRY_MS;
    this.#batches.read(id).catch(this.#options.onFailure);
  }

  async #readChanges(): Promise<void> {
    const startedAt = this.#options.now();
    const since = new Date(this.#changesReadAt - MARGIN_MS);
    const changed = await this.#options.listChangedSince(since);
    for (const id of changed) {
      this.#absent.delete(id);
      // A query under way may have been answered before the change was there to see.
      this.#batches.outdate(id);
    }
    await this.seed(changed.filter((id) => this.#entries.get(id) !== undefined));
    this.#changesReadAt = startedAt;
  }
}

function hasSameFields<Value extends object>(one: Value, other: Value): boolean {
  const names = Object.keys(one) as (keyof Value)[];
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
