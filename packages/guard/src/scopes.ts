import { createCache } from './cache.ts';

/** Credentials are many, combinations of scopes few: those in use share one set. */
const known = createCache<ReadonlySet<string>>({ maxEntries: 2_000, maxBytes: 4_194_304 }, 1_000);

/** A set that no handler can change: one that added a scope would add it for every later request. */
export function freezeScopes(scopes: Iterable<string>): ReadonlySet<string> {
  const set = new Set(scopes);
  const name = [...set].join(' ');
  const same = known.get(name);
  if (same !== undefined) return same;
  // `Object.freeze` leaves a set's own methods at work.
  const refuse = () => {
    throw new TypeError('the scopes of a principal do not change');
  };
  for (const method of ['add', 'delete', 'clear']) Object.defineProperty(set, method, { value: refuse });
  known.set(name, Object.freeze(set));
  return set;
}

export function holdsScopes(held: ReadonlySet<string>, needed: readonly string[]): boolean {
  for (const scope of needed) if (!held.has(scope)) return false;
  return true;
}
