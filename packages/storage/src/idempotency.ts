/** The answer to a request that carried an Idempotency-Key. */
export interface KeptAnswer {
  status: number;
  /** Headers and body, sealed by the caller: an answer may hold a key that is shown once. */
  sealed: Buffer;
}

export type IdempotencyClaim =
  /** Nobody came before: perform the request, then `settle` or `release`. */
  | { state: 'claimed' }
  /** The same request is being performed, or its process ended before it was answered. */
  | { state: 'pending'; since: Date }
  /** It was answered. */
  | { state: 'answered'; answer: KeptAnswer }
  /** The key was used with another request. */
  | { state: 'reused' };

export interface IdempotencyKeys {
  /**
   * One compare-and-set: of any number of callers with the same digest within its life exactly one is told `claimed`.
   * `fingerprint` tells requests apart. An expired record is as none.
   */
  claim(digest: Buffer, fingerprint: Buffer, ttlSeconds: number): Promise<IdempotencyClaim>;
  /** Keeps the answer for the rest of the record's life. */
  settle(digest: Buffer, answer: KeptAnswer): Promise<void>;
  /** Forgets the claim: the request had no effect and may be sent again. A settled record stays. */
  release(digest: Buffer): Promise<void>;
  /** Deletes what has expired; answers how many. */
  purge(before: Date): Promise<number>;
}
