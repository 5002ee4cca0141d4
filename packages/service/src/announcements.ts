const RETRY_MS = 250;
/** Those beyond it go unannounced: processes find them at their next look at the changes. */
const MOST_KEPT = 1_000;

export interface Announcements<Event> {
  /** Rejects when the others could not be told at once. */
  publish(event: Event): Promise<void>;
  /** Tries no more. */
  stop(): void;
}

export interface AnnouncementOptions<Event> {
  /** Tells all other processes. */
  publish(event: Event): Promise<void>;
  /** Tells this one. */
  tell(event: Event): void;
}

/**
 * Tells of a change that is durable already: this process at once, whatever becomes of the feed, and all others by it.
 * Where that fails, as for a moment after each loss of a connection, it is tried again in the background until the
 * announcement gets through. Told too late or twice, it costs the others one look.
 */
export function createAnnouncements<Event>({
  publish,
  tell,
}: AnnouncementOptions<Event>): Announcements<Event> {
  const missed = new Map<string, Event>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function keep(event: Event): void {
    if (missed.size < MOST_KEPT) missed.set(JSON.stringify(event), event);
    if (!stopped) timer ??= setTimeout(tryAgain, RETRY_MS).unref();
  }

  async function tryAgain(): Promise<void> {
    try {
      for (const [name, event] of missed) {
        await publish(event);
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
        await publish(event);
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
