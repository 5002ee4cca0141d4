import { setImmediate } from 'node:timers/promises';

/**
 * One read at a time; what is asked meanwhile goes together into the next, which begins after all of it was asked. Each
 * caller is handed all that its read found.
 */
export function createBatch<K, R>(read: (keys: K[]) => Promise<R>): (keys: K[]) => Promise<R> {
  let running = false;
  let waiting: { keys: K[]; resolve: (found: R) => void; reject: (error: unknown) => void }[] = [];
  const run = async () => {
    running = true;
    while (waiting.length > 0) {
      // Lets requests that have arrived already come along.
      await setImmediate();
      const batch = waiting;
      waiting = [];
      try {
        const found = await read(batch.flatMap(({ keys }) => keys));
        for (const { resolve } of batch) resolve(found);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    running = false;
  };
  return (keys) => {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    waiting.push({ keys, resolve, reject });
    if (!running) void run();
    return promise;
  };
}
