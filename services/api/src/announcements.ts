import type { FeedEvent, RevocationFeed } from '@latchkey/storage';

const RETRY_MS = 250;
/** Those beyond it go unannounced: processes find them at their next look at the changes. */
const MOST_KEPT = 1_000;

export interface Announcements extends Pick<RevocationFeed, 'publish'> {
  /** Tries no more. */
  stop(): void;
}

/**
 * Tells of a change that is durable already: this process at once, whatever becomes of the feed, and all others by it.
 * `publish` rejects when the feed is away, as its connection is for a moment after each loss; the announcement is tried
 * again in the background until it gets through. Told too late or twice, it costs the others one look.
 */
export function createAnnouncements(
  feed: Pick<RevocationFeed, 'publish'>,
  tell: (event: FeedEvent) => void,
): Announcements {
  const missed = new Map<string, FeedEvent>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function keep(event: FeedEvent): void {
    if (missed.size < MOST_KEPT) missed.set(JSON.stringify(event), event);
    if (!stopped) timer ??= setTimeout(tryAgain, RETRY_MS).unref();
  }

  async function tryAgain(): Promise<void> {
    try {
      for (const [name, event] of missed) {
        await feed.publish(event);
        missed.delete(name);
      }
      timer = undefined;
    } catch {
      // Whoever announced it was told that it failed.
      timer = stopped ? undefined : setTimeout(tryAgain, RETRY_MS).unref();
    }
  }

  return {
    async publish(event) {
      tell(event);
      try {
        await feed.publish(event);
      } catch (error) {
        keep(event);
        throw error;
      }
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
