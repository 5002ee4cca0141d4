import type { Permits } from './permits.ts';

const BEAT_MS = 10_000;
/** Three beats: one that is lost does not drop a process from the count. */
const ALIVE_SECONDS = 30;

export interface Membership {
  /** Processes of the group, this one included: as counted last, as while it is away nobody can count. */
  readonly count: number;
  close(): void;
}

/** @param onBeat also called every ten seconds */
export function createMembership(
  permits: Permits,
  { group, member }: { group: string; member: string },
  onBeat: () => void,
): Membership {
  let count = 1;

  async function beat(): Promise<void> {
    try {
      count = Math.max(1, await permits.countMembers(group, member, ALIVE_SECONDS));
    } catch {
      // The leases find out by themselves that the store is away, and say so.
    }
  }

  void beat();
  const timer = setInterval(() => {
    onBeat();
    void beat();
  }, BEAT_MS);
  timer.unref();
  return {
    get count() {
      return count;
    },
    close: () => clearInterval(timer),
  };
}
