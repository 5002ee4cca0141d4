/** A stored refresh token, without its value. */
export interface RefreshToken {
  grantId: string;
  clientId: string;
  accountId: string;
  /** What oidc-provider keeps, without the token's own value (`jti`). */
  payload: Record<string, unknown>;
  createdAt: Date;
  expiresAt: Date;
  /** When it was rotated; null while unused. */
  consumedAt: Date | null;
  /**
   * Whether the token it was rotated into has been used itself: then a retry is a replay. Null while none is stored:
   * then nobody was given one, and the token counts as unused.
   */
  successorUsed: boolean | null;
}

/**
 * The outcome of using a refresh token:
 * `consumed` the first use, or the first after the retry window of one that stored no successor; `retried` a use within
 * the retry window while the successor is unused (the caller derives and hands out the same successor again);
 * `replayed` any other use; `unknown` no such live token.
 */
export type RefreshTokenUse = 'consumed' | 'retried' | 'replayed' | 'unknown';

/** Tokens are passed by value and stored by SHA-256 digest. */
export interface RefreshTokens {
  /**
   * Stores a token. When it is stored already (a retried rotation) nothing changes, `consumedAt` included.
   * Answers false, and stores nothing, when the grant is missing, revoked or expired: a revocation that was
   * acknowledged wins over a refresh in flight. What is past its own expiry is kept until its predecessor is, whose
   * uses are judged by it.
   */
  put(token: {
    value: string;
    grantId: string;
    clientId: string;
    accountId: string;
    payload: Record<string, unknown>;
    expiresAt: Date;
    /** The token that was rotated into this one; absent for the first of a family. */
    predecessor?: string;
  }): Promise<boolean>;
  /** The token, used or not, expired or not; undefined when it was never stored, was purged, or went with its grant. */
  find(value: string): Promise<RefreshToken | undefined>;
  /** Uses the token: one compare-and-set. Of any number of parallel callers exactly one gets `consumed`. */
  consume(value: string, options: { retryWindowSeconds: number }): Promise<RefreshTokenUse>;
  /**
   * Takes back the use of a token whose request was not answered with its successor. A token whose successor was used
   * is replayed all the same. Does nothing for one that is not stored.
   */
  restore(value: string): Promise<void>;
  /** Deletes tokens past their expiry; answers how many. */
  purge(before: Date): Promise<number>;
}
