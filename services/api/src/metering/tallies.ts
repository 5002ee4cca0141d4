import type { Principal } from '@latchkey/guard';

const MINUTE_MS = 60_000;
/** Tokens counted apart until they are added up by client: bounds what a client costs that uses each only once. */
const MOST_PRINCIPALS = 20_000;

/** What one credential did in one minute. */
export interface Tally {
  lastAt: number;
  /** By route: requests answered with 2xx, 3xx, 4xx and 5xx. */
  readonly routes: Map<string, number[]>;
}

export interface Tallies {
  count(principal: Principal, route: string, status: number): void;
  /** Hands over what was counted since. */
  close(): void;
}

/**
 * Counts by the principal, which is one object as long as a credential is cached: two look-ups and an increment.
 * @param onClosed takes over what was counted in one minute, which is given by its start
 */
export function createTallies(
  now: () => number,
  onClosed: (principal: Principal, tally: Tally, minute: number) => void,
): Tallies {
  let tallies = new Map<Principal, Tally>();
  let minute = 0;

  function close(): void {
    for (const [principal, tally] of tallies) onClosed(principal, tally, minute);
    tallies = new Map();
  }

  function tallyOf(principal: Principal, at: number): Tally {
    const begun = at - (at % MINUTE_MS);
    if (begun !== minute || tallies.size >= MOST_PRINCIPALS) {
      close();
      minute = begun;
    }
    const known = tallies.get(principal);
    if (known) return known;
    const tally = { lastAt: at, routes: new Map() };
    tallies.set(principal, tally);
    return tally;
  }

  return {
    count(principal, route, status) {
      const at = now();
      const tally = tallyOf(principal, at);
      tally.lastAt = at;
      const place = Math.trunc(status / 100) - 2;
      const counts = tally.routes.get(route) ?? [0, 0, 0, 0];
      counts[place] = (counts[place] ?? 0) + 1;
      if (counts[place] === 1) tally.routes.set(route, counts);
    },
    close,
  };
}
