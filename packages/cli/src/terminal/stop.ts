const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The operator ended the command between two of its steps. */
export class StoppedError extends Error {
  override name = 'StoppedError';

  constructor() {
    super('Stopped before the end; another run goes on from here.');
  }
}

/** Runs what ends by itself once it is told to stop. A second signal of the kind ends the process at once. */
export async function stoppable(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const stop = () => controller.abort(new StoppedError());
  for (const name of SIGNALS) process.once(name, stop);
  try {
    await run(controller.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, stop);
  }
}
