/** What a process asks for: part of what a window has left. */
export interface LeaseRequest {
  /** Requests that the window allows, over all processes. */
  limit: number;
  /** Windows begin at whole multiples of this since the epoch, by the store's clock. */
  windowSeconds: number;
  /** Permits wanted; at least 1. */
  want: number;
}

export interface Lease {
  /** 0 to `want`. Good until the window ends, and for nothing after it. */
  granted: number;
  /** Permits of this window that are given out, these included. */
  used: number;
  /** By the store's clock, at the moment it answered. */
  windowEndsInMs: number;
  /** Epoch seconds; the same for everybody who asks about the same window. */
  windowEndsAt: number;
}

/**
 * The store behind rate limits, shared by all processes. Over all callers it never grants more permits of a window
 * than the smallest limit that was asked with.
 */
export interface Permits {
  /** One atomic step over one key. */
  lease(key: string, request: LeaseRequest): Promise<Lease>;
  /**
   * Says that `member` is alive for the next `ttlSeconds`, and answers how many are: what a process's share is, when
   * it must do without the store.
   */
  countMembers(member: string, ttlSeconds: number): Promise<number>;
}
