import { StorageUnavailableError } from '@latchkey/storage';

/** A real store of which chosen operations (`grants.revoke`) fail as they do when the server does not answer. */
export function failing<T extends object>(
  store: T,
  fails: (operation: string) => boolean,
  parent: readonly string[] = [],
): T {
  return new Proxy(store, {
    get(target, property) {
      const value = Reflect.get(target, property);
      const path = [...parent, String(property)];
      if (typeof value === 'object' && value !== null) return failing(value, fails, path);
      if (typeof value !== 'function') return value;
      return (...parameters: unknown[]) =>
        fails(path.join('.'))
          ? Promise.reject(new StorageUnavailableError(`${path.join('.')} is away`))
          : Reflect.apply(value, target, parameters);
    },
  });
}
