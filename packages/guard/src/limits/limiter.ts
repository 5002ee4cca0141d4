import { randomUUID } from 'node:crypto';
import { createDecisions, missing, type Take } from './decisions.ts';
import { createMembership } from './membership.ts';
import type { Permits } from './permits.ts';
import { createLeaseStore } from './store.ts';
import { createTallies } from './tallies.ts';

/** One window that a request counts against. */
export interface Limit {
  /** Names the policy in the answer's headers: `organization`, `api_key`, `route` … A token (RFC 9110 §5.6.2). */
  readonly name: string;
  /** Whom it counts, unique among all limits: `org:org_acme`, `key:key_…`. Never a bearer value. */
  readonly key: string;
  readonly requests: number;
  readonly windowSeconds: number;
}

/** Where a window stands after the request, as well as this process knows. */
export interface LimitState {
  readonly limit: Limit;
  readonly remaining: number;
  /** End of the window, epoch seconds. */
  readonly resetAt: number;
}

export interface LimitDecision {
  readonly allowed: boolean;
  /** One for each limit, in the order they were given. */
  readonly states: readonly LimitState[];
  /** When it was made, epoch milliseconds by the clock that windows end by: the store's, which may not be ours. */
  readonly at: number;
}

export interface RateLimiter {
  /**
   * Counts one request against every one of the limits, or against none where one is used up. Answers without a
   * promise while it holds permits of all of them. Never rejects: without the store each process enforces its share.
   */
  take(limits: readonly Limit[]): LimitDecision | Promise<LimitDecision>;
  /** Stops its timers. */
  close(): void;
}

export interface RateLimiterOptions {
  permits: Permits;
  /**
   * Names the processes among which each has a share while the store is away: those that count the same requests, of
   * one service. Services that share a store under one prefix need a name each. Default: `default`.
   */
  group?: string;
  /** Names this process among those of its group. Default: a random name. */
  member?: string;
  /** Windows remembered at once; those least recently leased are forgotten first. Default 100,000. */
  maxWindows?: number;
  /**
   * Longer than this no request waits for the store; what it answers later still counts. Default 100: above what a
   * healthy store ever needs, as each request that does without it may be one above the limit.
   */
  patienceMs?: number;
  /** Told when the store stops to answer, once until it answers again. Default: nothing. */
  onUnavailable?: (error: unknown) => void;
  /** Epoch milliseconds, asked only until the store has told its own clock. Default: `Date.now`. */
  now?: () => number;
  /** Milliseconds that never go back. Default: `performance.now`. */
  monotonic?: () => number;
}

/**
 * Limits over all processes that share `permits`: windows are fixed and aligned to the epoch by the store's clock, and
 * their permits leased in batches. Never more than the limit is admitted in a window while the store answers.
 *
 * While it does not, each process admits its share, the limit divided by the processes known of its group and at least
 * 1, less what it used of the window before; what it admitted is paid from the next lease of the same window. It then admits more
 * than the limit only where others have already used more than their share, or processes are unknown or outnumber it.
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { permits, maxWindows = 100_000, onUnavailable = () => {} } = options;
  const { group = 'default', member = randomUUID() } = options;
  const { now = Date.now, monotonic = () => performance.now(), patienceMs = 100 } = options;
  const tallies = createTallies(maxWindows);
  const store = createLeaseStore({ permits, now, monotonic, patienceMs, onUnavailable });
  const membership = createMembership(permits, { group, member }, () => tallies.sweep(monotonic()));
  const lease = ({ limit, tally }: Take) => {
    tallies.keep(limit, tally);
    return store.lease(limit.key, tally, limit);
  };
  const { decide, decideAlone } = createDecisions({ store, membership, lease });

  async function wait(takes: readonly Take[]): Promise<LimitDecision> {
    for (;;) {
      const wanted = missing(takes, monotonic());
      for (const { tally } of wanted) tally.waiting++;
      const answered = await Promise.all(wanted.map(lease));
      for (const { tally } of wanted) tally.waiting--;
      const at = monotonic();
      const decision = decide(takes, at) ?? (answered.includes(false) ? decideAlone(takes, at) : undefined);
      if (decision) return decision;
    }
  }

  return {
    take(limits) {
      const at = monotonic();
      const takes = limits.map((limit) => ({ limit, tally: tallies.of(limit, at) }));
      for (const { tally } of takes) tally.noteDemand();
      const decision = decide(takes, at);
      if (decision) return decision;
      if (!store.presence.away) return wait(takes);
      const [first] = missing(takes, at);
      if (first && store.presence.mayAsk(at)) void lease(first);
      return decideAlone(takes, at);
    },
    close: membership.close,
  };
}
