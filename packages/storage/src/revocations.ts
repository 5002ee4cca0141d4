/** What a revocation ends: one token (by `jti`), or every token of a grant, client, account, seat or organisation. */
export const REVOCATION_SUBJECTS = ['token', 'grant', 'client', 'account', 'member', 'organization'] as const;
export type RevocationSubject = (typeof REVOCATION_SUBJECTS)[number];

/** JWTs of the subject issued at or before `revokedAt` (in whole seconds), which may be a little ahead, are dead. */
export interface Revocation {
  subject: RevocationSubject;
  /** `jti`, grant, client, account or organisation id; for a member `<organization id>/<account id>`. */
  id: string;
  revokedAt: Date;
  /** When the last token it could concern has expired: the record is of no use after that. */
  expiresAt: Date;
}

export type RevocationKey = Pick<Revocation, 'subject' | 'id'>;

/** The durable record of revocations. */
export interface Revocations {
  /** Records the revocation; the later `revokedAt` and `expiresAt` win where one is there already. */
  put(revocation: Revocation): Promise<void>;
  /** Those of the given subjects that are recorded, in one round trip. */
  findAny(keys: RevocationKey[]): Promise<Revocation[]>;
  /** Every revocation that has not expired. */
  list(): Promise<Revocation[]>;
  purge(before: Date): Promise<number>;
}

/**
 * A change every process must hear of within a second. `revocation` ends tokens; the others say that a cached copy is
 * stale: an API key that was revoked is one that changed.
 */
export type FeedEvent =
  | { type: 'revocation'; revocation: Revocation }
  | { type: 'api_key'; id: string }
  | { type: 'client'; id: string }
  | { type: 'organization'; id: string }
  | { type: 'resource_server'; id: string }
  | { type: 'signing_keys' };

/** Handlers return at once and do not throw. */
export interface FeedHandlers {
  /** Called once for each event published after `follow` answered, in order. */
  onEvent(event: FeedEvent): void;
  /**
   * Called when events may have been missed (the stream does not reach back to the last one seen, was emptied, or
   * was away when following began): drop caches and read revocations anew from the durable record.
   */
  onGap(): void;
}

/** The Redis stream, or its in-process stand-in. Durable state is written first, the feed told afterwards. */
export interface RevocationFeed {
  publish(event: FeedEvent): Promise<void>;
  /**
   * Starts following. The answer's `close` ends it. Survives a lost connection without missing an event, and may
   * begin while the store is away: then with a gap, once it is back.
   */
  follow(handlers: FeedHandlers): Promise<{ close(): Promise<void> }>;
}
