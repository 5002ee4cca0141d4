/**
 * Runs one at a time. Asked for during a run, it runs once more after it, since that run may have read what was there
 * before; the promise is that of the last run. A failure is reported, and not tried again by itself.
 */
export function createRepeatable(
  run: () => Promise<void>,
  onFailure: (error: unknown) => void,
): () => Promise<void> {
  let running: Promise<void> | undefined;
  let due = false;
  const persist = async () => {
    while (due) {
      due = false;
      try {
        await run();
      } catch (error) {
        onFailure(error);
      }
    }
    running = undefined;
  };
  return () => {
    due = true;
    running ??= persist();
    return running;
  };
}
