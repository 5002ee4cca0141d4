/** Whether the process may be sent requests. A check throws, or takes too long, when what it looks at is away. */
export interface Health {
  /** `draining` and every failing check by name; empty when ready. */
  failing(): Promise<string[]>;
  /** From now on the process is not ready: it is about to stop. */
  drain(): void;
  readonly draining: boolean;
}

const CHECK_TIMEOUT_MS = 2000;

export function createHealth(checks: Record<string, () => Promise<void>>): Health {
  let draining = false;
  return {
    async failing() {
      const names = await Promise.all(
        Object.entries(checks).map(async ([name, check]) => ((await passes(check)) ? [] : [name])),
      );
      return [...(draining ? ['draining'] : []), ...names.flat()];
    },
    drain() {
      draining = true;
    },
    get draining() {
      return draining;
    },
  };
}

async function passes(check: () => Promise<void>): Promise<boolean> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('timed out')), CHECK_TIMEOUT_MS);
  try {
    await Promise.race([check(), late]);
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
