import type { Limit } from './limiter.ts';
import { Tally } from './tally.ts';

/** The windows that a process remembers, the one least recently leased first. */
export interface Tallies {
  of(limit: Limit, at: number): Tally;
  /** Puts the window last in the order of being forgotten. */
  keep(limit: Limit, tally: Tally): void;
  /** Forgets windows that ended a while ago. */
  sweep(at: number): void;
}

export function createTallies(most: number): Tallies {
  const tallies = new Map<string, Tally>();

  function add({ key, windowSeconds }: Limit, at: number): Tally {
    if (tallies.size >= most) {
      const [oldest = key] = tallies.keys();
      tallies.delete(oldest);
    }
    const tally = new Tally(windowSeconds, at);
    tallies.set(key, tally);
    return tally;
  }

  return {
    of(limit, at) {
      const known = tallies.get(limit.key);
      return known?.windowSeconds === limit.windowSeconds ? known : add(limit, at);
    },
    keep({ key }, tally) {
      if (tallies.get(key) !== tally) return;
      tallies.delete(key);
      tallies.set(key, tally);
    },
    sweep(at) {
      for (const [key, tally] of tallies) if (tally.isStale(at)) tallies.delete(key);
    },
  };
}
