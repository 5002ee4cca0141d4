export { createMemoryPermits } from './memory-permits.ts';
export {
  createRedisPermits,
  fromRedisClient,
  type RedisClient,
  type RedisScript,
  type RunScript,
} from './redis-permits.ts';

/** What a process asks for: part of what a window has left. */
export interface LeaseRequest {
  /** Requests that the window allows, over all processes. */
  limit: number;
  /** Windows begin at whole multiples of this since the epoch, by the store's clock. */
  windowSeconds: number;
  /** Permits wanted; at least 1. */
  want: number;
  /**
   * The window that the caller believes to be in, and how many of its permits it knows to be given out: a store that
   * lost its data in the middle of a window counts on from there. Ignored when that window is over.
   */
  seen?: { windowEndsAt: number; used: number };
}

export interface Lease {
  /** 0 to `want`. Good until the window ends, and for nothing after it. */
  granted: number;
  /** Permits of this window that are given out, these included. */
  used: number;
  /** By the store's clock, at the moment it answered. At least 1. */
  windowEndsInMs: number;
  /** Epoch seconds; the same for everybody who asks about the same window. */
  windowEndsAt: number;
}

/**
 * The store behind rate limits, shared by all processes. It never grants a permit that would bring a window's total,
 * over all callers, above the limit it was asked with: callers that know different limits (a plan just changed) each
 * get no further than their own.
 */
export interface Permits {
  /** One atomic step over one key. Keys that differ only in `windowSeconds` are counted apart. */
  lease(key: string, request: LeaseRequest): Promise<Lease>;
  /**
   * Says that `member` of `group` is alive for the next `ttlSeconds`, and answers how many of the group are: what a
   * process's share is, when it must do without the store.
   */
  countMembers(group: string, member: string, ttlSeconds: number): Promise<number>;
}
