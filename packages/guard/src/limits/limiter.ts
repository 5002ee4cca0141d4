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
