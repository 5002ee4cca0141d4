import { createRevocationSet, type Revocation, type RevocationList } from './revocations.ts';

/**
 * A change that every process must hear of within a second. `revocation` ends tokens; the others say that a cached
 * copy is stale: an API key that was revoked is one that changed.
 */
export type FeedEvent =
  | { readonly type: 'revocation'; readonly revocation: Revocation }
  | { readonly type: 'api_key' | 'client' | 'organization' | 'resource_server'; readonly id: string }
  | { readonly type: 'signing_keys' };

export interface FeedHandlers {
  /** Called once for each event published after `follow` answered, in order. */
  onEvent(event: FeedEvent): void;
  /** Called when events may have been missed. */
  onGap(): void;
}

/** The stream of changes. Durable state is written first, the feed told afterwards. */
export interface RevocationFeed {
  /**
   * Starts following; the answer's `close` ends it. Survives a lost connection without missing an event, and may
   * begin while the stream is away: then with a gap, once it is back.
   */
  follow(handlers: FeedHandlers): Promise<{ close(): Promise<void> }>;
}

/** The durable record, which the feed is ahead of by a second at most. */
export interface RevocationRecord {
  /** Every revocation that has not expired. */
  list(): Promise<readonly Revocation[]>;
}

/** Callbacks return at once and do not throw: they are run in the order of the feed. */
export interface RevocationFollowerOptions {
  feed: RevocationFeed;
  record: RevocationRecord;
  /** Told when the record could not be read; it is read again a second later, until that succeeds. */
  onWarning(error: unknown): void;
  /** The issuer changed its keys, or may have: `guard.refreshKeys()`. */
  onSigningKeys(): void;
  /** Every other event than revocations and signing keys: caches drop what it names. */
  onEvent?(event: Extract<FeedEvent, { id: string }>): void;
  /** Events may have been missed: caches take everything they hold for stale. */
  onGap?(): void;
  /** Every 10 s: caches compare with their store what they hold, in case a publication failed. */
  onReread?(): void;
  /** Epoch milliseconds. Default: `Date.now`. */
  now?: () => number;
}

export interface RevocationFollower extends RevocationList {
  /** Follows what is published and loads what is recorded. Rejects when the record cannot be read. */
  start(): Promise<void>;
  /** What this process itself is about to publish: so it knows of it whatever becomes of the publication. */
  tell(event: FeedEvent): void;
  /**
   * Loads the record once, for a process that cannot wait to hear what it missed: it stood still. Rejects when the
   * record cannot be read.
   */
  reread(): Promise<void>;
  stop(): Promise<void>;
}

const RELOAD_RETRY_MS = 1_000;
const PURGE_EVERY_MS = 60_000;
/** Bounds what a publication that failed costs: its change is recorded, and nobody was told. */
const REREAD_EVERY_MS = 10_000;

/** Every revocation that still matters, in memory. Entries only ever come in, and leave when they expire. */
export function createRevocationFollower(options: RevocationFollowerOptions): RevocationFollower {
  const { feed, record, now = Date.now } = options;
  const known = createRevocationSet();
  const timers: NodeJS.Timeout[] = [];
  let stopped = false;
  let following: { close(): Promise<void> } | undefined;

  const load = async () => {
    for (const revocation of await record.list()) known.add(revocation);
  };
  const reload = createReload(load, { onWarning: options.onWarning, wanted: () => !stopped });
  const handlers: FeedHandlers = {
    onEvent(event) {
      if (event.type === 'revocation') known.add(event.revocation);
      else if (event.type === 'signing_keys') options.onSigningKeys();
      else options.onEvent?.(event);
    },
    onGap() {
      options.onSigningKeys();
      options.onGap?.();
      reload();
    },
  };
  return {
    isRevoked: known.reaches,
    async start() {
      // Followed first: what is published while the record is read would otherwise be missed.
      following = await feed.follow(handlers);
      await load();
      const reread = () => {
        reload();
        options.onReread?.();
      };
      timers.push(setInterval(() => known.purge(now()), PURGE_EVERY_MS).unref());
      timers.push(setInterval(reread, REREAD_EVERY_MS).unref());
    },
    tell: handlers.onEvent,
    reread: load,
    async stop() {
      stopped = true;
      for (const timer of timers) clearInterval(timer);
      await following?.close();
    },
  };
}

/** Reads until it succeeds, one reading at a time; asked for during a reading, it reads once more after it. */
function createReload(
  load: () => Promise<void>,
  { onWarning, wanted }: { onWarning: (error: unknown) => void; wanted: () => boolean },
): () => void {
  let loading = false;
  let due = false;
  const persist = async (): Promise<void> => {
    while (due && wanted()) {
      due = false;
      try {
        await load();
      } catch (error) {
        onWarning(error);
        due = true;
        await new Promise((resolve) => setTimeout(resolve, RELOAD_RETRY_MS).unref());
      }
    }
    loading = false;
  };
  return () => {
    due = true;
    if (loading) return;
    loading = true;
    void persist();
  };
}
