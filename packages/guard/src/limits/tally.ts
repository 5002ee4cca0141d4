import type { Limit } from './limiter.ts';
import type { Lease, LeaseRequest } from './permits.ts';

/** A lease covers the demand of this long. */
const HORIZON_MS = 1_000;
/** No lease takes more than this part of what the window has left, so that little is stranded in one process. */
const LARGEST_PART = 1 / 10;
/** A lease takes this part whatever the demand: stranding so little is worth a round trip. */
const SMALLEST_PART = 1 / 100;
/** From this part of a lease on, the next one is asked for in the background. */
const RENEWAL_PART = 1 / 10;

/**
 * `held`: a permit is at hand. `used_up`: no permit is left, whoever asks. `unknown`: the store must be asked.
 */
export type Standing = 'held' | 'used_up' | 'unknown';

/**
 * The window of one limit as this process knows it, and the permits of it that the process holds. Bookkeeping only.
 * Moments are monotonic milliseconds.
 */
export class Tally {
  readonly windowSeconds: number;
  /** End of the window, epoch seconds; 0 before the first. */
  resetAt = 0;
  /** Requests admitted by this process in the window. */
  spent = 0;
  /** Requests that wait for a permit. */
  waiting = 0;
  /** When the window ends, or a little before: counted from before the store was asked. */
  #deadline = Number.NEGATIVE_INFINITY;
  /** Permits leased and not used. */
  #held = 0;
  /** Permits that the store has given out, ours included. */
  #givenOut = 0;
  /** Requests admitted without a permit while the store was away. The next lease pays for them. */
  #owed = 0;
  /** When the lease was sent that was answered last. */
  #answeredFor = Number.NEGATIVE_INFINITY;

  /** Permits per horizon. */
  #demand = 1;
  #asked = 0;
  #measuredFrom: number;
  #renewAt = 0;

  constructor(windowSeconds: number, at: number) {
    this.windowSeconds = windowSeconds;
    this.#measuredFrom = at;
  }

  isOpen(at: number): boolean {
    return at < this.#deadline;
  }

  /** Whether the window ended so long ago that nothing of it, nor of its demand, is worth keeping. */
  isStale(at: number): boolean {
    return at - this.#deadline > 60_000;
  }

  standing(limit: Limit, at: number): Standing {
    if (at >= this.#deadline) return 'unknown';
    if (this.remaining(limit) === 0) return 'used_up';
    return this.#held > 0 ? 'held' : 'unknown';
  }

  /** What of the window nobody has used or holds, as far as is known, and what we hold. Never negative. */
  remaining(limit: Limit): number {
    return Math.max(0, limit.requests - this.#givenOut + this.#held - this.#owed);
  }

  /** What remains when the store is away and this process may use `share` of the window. */
  remainingOfShare(limit: Limit, share: number): number {
    return Math.min(this.remaining(limit), Math.max(this.#held, share - this.spent));
  }

  /** Counts a request: against a permit where one is held, else on credit. */
  spend(): void {
    this.spent++;
    if (this.#held > 0) this.#held--;
    else this.#owed++;
  }

  /** Every request says that it came, admitted or not: that is the demand. */
  noteDemand(): void {
    this.#asked++;
  }

  wantsRenewal(limit: Limit): boolean {
    return this.#held <= this.#renewAt && this.#renewAt > 0 && this.#givenOut < limit.requests;
  }

  requestFor(limit: Limit, at: number): LeaseRequest {
    const open = this.isOpen(at);
    const held = open ? this.#held : 0;
    const left = open ? this.remaining(limit) : limit.requests;
    const size = this.#size(left, at);
    this.#renewAt = Math.floor(size * RENEWAL_PART);
    return {
      limit: limit.requests,
      windowSeconds: this.windowSeconds,
      want: Math.max(1, size - held, this.waiting) + (open ? this.#owed : 0),
      ...(this.resetAt > 0 && { seen: { windowEndsAt: this.resetAt, used: this.#givenOut } }),
    };
  }

  /** Demand may double from one lease to the next, and falls at once. */
  #size(left: number, at: number): number {
    const perHorizon = (this.#asked * HORIZON_MS) / Math.max(1, at - this.#measuredFrom);
    this.#demand = Math.max(1, Math.min(perHorizon, this.#demand * 2));
    this.#asked = 0;
    this.#measuredFrom = at;
    const size = Math.min(left * LARGEST_PART, Math.max(this.#demand, left * SMALLEST_PART));
    return Math.max(1, Math.floor(size));
  }

  accept({ granted, used, windowEndsInMs, windowEndsAt }: Lease, sentAt: number): void {
    const straggles = sentAt < this.#answeredFor;
    if (straggles && windowEndsAt !== this.resetAt) return;
    this.enter(windowEndsAt, straggles ? this.#deadline : sentAt + windowEndsInMs);
    if (!straggles) this.#answeredFor = sentAt;
    this.#givenOut = Math.max(this.#givenOut, used);
    const paid = Math.min(this.#owed, granted);
    this.#owed -= paid;
    this.#held += granted - paid;
  }

  /** Goes to the window that ends then, where that is another than the present one. */
  enter(resetAt: number, deadline: number): void {
    this.#deadline = deadline;
    if (resetAt === this.resetAt) return;
    this.resetAt = resetAt;
    this.spent = 0;
    this.#held = 0;
    this.#givenOut = 0;
    this.#owed = 0;
  }
}
