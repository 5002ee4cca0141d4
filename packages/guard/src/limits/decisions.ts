import type { Limit, LimitDecision } from './limiter.ts';
import type { Membership } from './membership.ts';
import type { LeaseStore } from './store.ts';
import type { Tally } from './tally.ts';

/** One limit of a request, with its window. */
export interface Take {
  readonly limit: Limit;
  readonly tally: Tally;
}

interface Surroundings {
  store: LeaseStore;
  membership: Membership;
  lease(take: Take): Promise<boolean>;
}

interface Decisions {
  /** From what this process holds and knows; undefined where that does not suffice. */
  decide(takes: readonly Take[], at: number): LimitDecision | undefined;
  /** Without the store: by this process's share. */
  decideAlone(takes: readonly Take[], at: number): LimitDecision;
}

/** The limits for which nothing is known or held: the store must be asked. */
export function missing(takes: readonly Take[], at: number): Take[] {
  return takes.filter(({ limit, tally }) => tally.standing(limit, at) === 'unknown');
}

/** Every decision looks at all limits before it counts against the first, so that nothing is ever to be given back. */
export function createDecisions({ store, membership, lease }: Surroundings): Decisions {
  const shareOf = (limit: Limit) => Math.max(1, Math.floor(limit.requests / membership.count));

  function endOfWindow({ windowSeconds }: Limit, at: number): number {
    return (Math.floor(store.clockAt(at) / 1000 / windowSeconds) + 1) * windowSeconds;
  }

  function answer(allowed: boolean, takes: readonly Take[], at: number, alone: boolean): LimitDecision {
    const states = takes.map(({ limit, tally }) => {
      if (!tally.isOpen(at)) return { limit, remaining: limit.requests, resetAt: endOfWindow(limit, at) };
      const remaining = alone ? tally.remainingOfShare(limit, shareOf(limit)) : tally.remaining(limit);
      return { limit, remaining, resetAt: tally.resetAt };
    });
    return { allowed, states, at: store.clockAt(at) };
  }

  function admit(takes: readonly Take[], at: number, alone: boolean): LimitDecision {
    for (const { tally } of takes) tally.spend();
    for (const take of takes) {
      if (take.tally.wantsRenewal(take.limit) && store.presence.mayAsk(at)) void lease(take);
    }
    return answer(true, takes, at, alone);
  }

  return {
    decide(takes, at) {
      let known = true;
      for (const { limit, tally } of takes) {
        const standing = tally.standing(limit, at);
        if (standing === 'used_up') return answer(false, takes, at, store.presence.away);
        if (standing === 'unknown') known = false;
      }
      return known ? admit(takes, at, store.presence.away) : undefined;
    },
    decideAlone(takes, at) {
      for (const { limit, tally } of takes) {
        if (!tally.isOpen(at)) {
          const resetAt = endOfWindow(limit, at);
          tally.enter(resetAt, at + resetAt * 1000 - store.clockAt(at));
        }
        if (tally.remainingOfShare(limit, shareOf(limit)) === 0) return answer(false, takes, at, true);
      }
      return admit(takes, at, true);
    },
  };
}
