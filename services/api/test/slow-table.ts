import { StorageUnavailableError } from '@latchkey/storage';
import { Directory } from '../src/directory/directory.ts';

export const MINUTE = 60_000;
export const MAX_AGE = 15 * MINUTE;
export const BEGUN = 1_000_000_000_000;

interface Row {
  id: string;
  text: string;
}

/** A table whose queries read at once and answer when the test lets them. */
function createSlowTable() {
  const table = new Map<string, string>();
  const queries: { ids: string[]; answer(): Promise<void>; fail(): Promise<void> }[] = [];
  const load = (ids: readonly string[]) => {
    const rows = ids.flatMap((id) => {
      const text = table.get(id);
      return text === undefined ? [] : [{ id, text }];
    });
    const { promise, resolve, reject } = Promise.withResolvers<Row[]>();
    queries.push({
      ids: [...ids],
      answer() {
        resolve(rows);
        return settled();
      },
      fail() {
        reject(new StorageUnavailableError('away'));
        return settled();
      },
    });
    return promise;
  };
  const next = () => {
    const query = queries.shift();
    if (!query) throw new Error('no query was sent');
    return query;
  };
  return { table, queries, load, next };
}

/** Everything that is due has run. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A directory over such a table, with a clock that stands until it is told. */
export function scene({ capacity = 100 } = {}) {
  const { load, ...slow } = createSlowTable();
  const failures: unknown[] = [];
  const asked: Date[] = [];
  let changed: string[] = [];
  let at = BEGUN;
  const directory = new Directory<Row, { text: string }>({
    load,
    async listChangedSince(since) {
      asked.push(since);
      return changed;
    },
    toValue: ({ text }) => ({ text }),
    capacity,
    maxAgeMs: MAX_AGE,
    onFailure: (error) => failures.push(error),
    now: () => at,
  });
  return {
    ...slow,
    directory,
    failures,
    asked,
    changes(ids: string[]) {
      changed = ids;
    },
    pass(ms: number) {
      at += ms;
    },
    /** Makes the record known. */
    async know(id: string, text: string) {
      slow.table.set(id, text);
      const found = directory.find(id);
      await slow.next().answer();
      return found;
    },
  };
}
