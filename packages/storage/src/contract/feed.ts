import { describe, expect, test } from 'vitest';
import type { FeedEvent } from '../revocations.ts';
import type { SharedStorage } from '../storage.ts';
import type { SharedFixture } from './shared.ts';

/** Follows, and tells when what was expected has come. */
export async function followFeed(storage: SharedStorage) {
  const events: FeedEvent[] = [];
  let gaps = 0;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const check of waiting) check();
  };
  const following = await storage.feed.follow({
    onEvent: (event) => {
      events.push(event);
      wake();
    },
    onGap: () => {
      gaps += 1;
      wake();
    },
  });
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!condition()) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  return { events, gaps: () => gaps, until, close: () => following.close() };
}

export function testFeed(fixture: () => SharedFixture): void {
  const clientEvent = (id: string): FeedEvent => ({ type: 'client', id });

  describe('feed', () => {
    test('every follower gets each event published after follow answered, in order', async () => {
      const { storage, peer } = fixture();
      await storage.feed.publish(clientEvent('before'));
      const followers = [await followFeed(storage), await followFeed(peer)];
      const ids = Array.from({ length: 100 }, (_, index) => String(index));
      for (const id of ids) await peer.feed.publish(clientEvent(id));
      for (const { events, until, close, gaps } of followers) {
        await until(() => events.length >= ids.length);
        expect(events).toEqual(ids.map(clientEvent));
        expect(gaps()).toBe(0);
        await close();
      }
    });

    test('each kind of event arrives as it was published', async () => {
      const { storage, peer } = fixture();
      const { events, until, close } = await followFeed(peer);
      const published: FeedEvent[] = [
        {
          type: 'revocation',
          revocation: {
            subject: 'member',
            id: 'org_1/user_1',
            revokedAt: new Date(1_700_000_000_000),
            expiresAt: new Date(1_700_003_600_000),
          },
        },
        { type: 'api_key', id: 'key_1' },
        { type: 'client', id: 'client_1' },
        { type: 'organization', id: 'org_1' },
        { type: 'resource_server', id: 'rs_1' },
        { type: 'signing_keys' },
      ];
      for (const event of published) await storage.feed.publish(event);
      await until(() => events.length >= published.length);
      expect(events).toEqual(published);
      await close();
    });

    test('a follower that was closed hears no more', async () => {
      const { storage } = fixture();
      const closed = await followFeed(storage);
      await closed.close();
      const open = await followFeed(storage);
      await storage.feed.publish(clientEvent('after'));
      await open.until(() => open.events.length > 0);
      await open.close();
      expect(closed.events).toEqual([]);
    });
  });
}
