import type { FeedEvent, FeedHandlers, RevocationFeed } from '../revocations.ts';

/** Delivers within the process. It cannot lose an event, so `onGap` is never called. */
export function createMemoryFeed(): { feed: RevocationFeed; close(): void } {
  const followers = new Set<FeedHandlers>();
  const feed: RevocationFeed = {
    async publish(event: FeedEvent) {
      for (const follower of followers) follower.onEvent(structuredClone(event));
    },
    async follow(handlers) {
      const follower = { ...handlers };
      followers.add(follower);
      return {
        async close() {
          followers.delete(follower);
        },
      };
    },
  };
  return { feed, close: () => followers.clear() };
}
