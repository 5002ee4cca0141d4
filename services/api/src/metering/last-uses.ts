import type { DurableStorage } from '@latchkey/storage';

/** How often at most the last use of a key is written. */
const WRITE_EVERY_MS = 60_000;

/** When each key was used last, written once a minute at most. */
export function createLastUses() {
  const unwritten = new Map<string, number>();
  const writtenAt = new Map<string, number>();
  return {
    note(id: string, at: number): void {
      unwritten.set(id, Math.max(unwritten.get(id) ?? 0, at));
    },
    /** Writes those that are due; nothing is lost where that fails. */
    async write(
      { apiKeys }: { apiKeys: Pick<DurableStorage['apiKeys'], 'touch'> },
      at: number,
    ): Promise<void> {
      for (const [id, written] of writtenAt) if (at - written >= WRITE_EVERY_MS) writtenAt.delete(id);
      const due = [...unwritten].filter(([id]) => !writtenAt.has(id));
      if (due.length === 0) return;
      await apiKeys.touch(due.map(([id, usedAt]) => ({ id, at: new Date(usedAt) })));
      for (const [id, usedAt] of due) {
        writtenAt.set(id, at);
        // It may have been used again during the write.
        if (unwritten.get(id) === usedAt) unwritten.delete(id);
      }
    },
  };
}
