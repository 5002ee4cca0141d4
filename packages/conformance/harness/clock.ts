import { vi } from 'vitest';

/** Runs with this process's clock ahead: the library and the stores' clients read it, no timer is touched. */
export async function ahead<T>(seconds: number, run: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
  try {
    return await run();
  } finally {
    vi.useRealTimers();
  }
}
