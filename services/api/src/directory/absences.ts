/** How long it is remembered that there is no such record. */
const ABSENT_MS = 5_000;
const MOST_ABSENT = 10_000;

/** Ids that were asked for in vain, for a few seconds; the oldest go where there are too many. */
export function createAbsences(now: () => number) {
  const until = new Map<string, number>();
  return {
    has: (id: string): boolean => (until.get(id) ?? 0) > now(),
    add(id: string): void {
      const [oldest] = until.keys();
      if (until.size >= MOST_ABSENT && oldest !== undefined) until.delete(oldest);
      until.delete(id);
      until.set(id, now() + ABSENT_MS);
    },
    delete: (id: string): void => void until.delete(id),
    clear: (): void => until.clear(),
  };
}
