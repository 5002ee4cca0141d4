export interface TwoAges<Value> {
  get(id: string): Value | undefined;
  set(id: string, value: Value): void;
  delete(id: string): boolean;
  readonly size: number;
}

/**
 * A bounded map that forgets what has not been asked for in a while: the older half goes when the younger is full.
 * A get of what is young changes nothing, where an exact order of use would be rewritten on each request.
 */
export function createTwoAges<Value>(capacity: number): TwoAges<Value> {
  const half = Math.ceil(capacity / 2);
  let young = new Map<string, Value>();
  let old = new Map<string, Value>();

  function set(id: string, value: Value): void {
    if (young.size >= half && !young.has(id)) {
      old = young;
      young = new Map();
    }
    young.set(id, value);
    old.delete(id);
  }

  return {
    get(id) {
      const value = young.get(id);
      if (value !== undefined) return value;
      const older = old.get(id);
      if (older !== undefined) set(id, older);
      return older;
    },
    set,
    delete: (id) => young.delete(id) || old.delete(id),
    get size() {
      return young.size + old.size;
    },
  };
}
