import { openRedis, StorageUnavailableError } from '@latchkey/storage';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startRedis, type TestServer } from '../../../infra/test/servers.ts';
import { followFeed } from '../src/contract/feed.ts';

let server: TestServer;
let admin: Redis;

beforeEach(async () => {
  server = await startRedis();
  admin = new Redis(server.url);
  admin.on('error', () => {});
});
afterEach(async () => {
  admin.disconnect();
  await server.stop();
});

const up = (storage: { ping(): Promise<void> }) =>
  expect.poll(() => storage.ping().then(() => 'up', String), { timeout: 10_000 }).toBe('up');

describe('a Redis that is away', () => {
  test('where nothing listens, every call says the storage is unavailable', async () => {
    const storage = openRedis({ url: 'redis://127.0.0.1:1' });
    const calls = [
      storage.ping(),
      storage.artifacts.find('Session', 'value'),
      storage.artifacts.put('Session', 'value', {}, 60, { uid: 'uid', grantId: 'grant' }),
      storage.artifacts.consume('AuthorizationCode', 'value'),
      storage.replays.claim('key', 60),
      storage.counters.increment('key', 60),
      storage.permits.lease('key', { limit: 10, windowSeconds: 60, want: 1 }),
      storage.permits.countMembers('group', 'member', 60),
      storage.feed.publish({ type: 'signing_keys' }),
    ];
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: 'rejected', reason: expect.any(StorageUnavailableError) });
    }
    await storage.close();
  });

  test('killed under load, calls in flight say so, and it serves again when the server is back', async () => {
    const storage = openRedis({ url: server.url });
    await storage.ping();
    const calls = Promise.allSettled(
      Array.from({ length: 500 }, (_, index) => storage.counters.increment(`key ${index}`, 60)),
    );
    await server.kill();
    for (const call of await calls) {
      if (call.status === 'rejected') expect(call.reason).toBeInstanceOf(StorageUnavailableError);
    }
    await expect(storage.ping()).rejects.toThrow(StorageUnavailableError);
    await server.restart();
    await up(storage);
    expect(await storage.replays.claim('key', 60)).toBe(true);
    await storage.close();
  });

  test('one that accepts commands and never answers is unavailable too', async () => {
    const storage = openRedis({ url: server.url });
    await storage.ping();
    await admin.call('client', 'pause', 60_000, 'ALL');
    await expect(storage.replays.claim('key', 60)).rejects.toThrow(StorageUnavailableError);
    await storage.close();
  });

  test('one that is full is unavailable until there is room', async () => {
    const storage = openRedis({ url: server.url });
    await storage.ping();
    await admin.config('SET', 'maxmemory', 1);
    await expect(storage.ping()).rejects.toThrow(StorageUnavailableError);
    await admin.config('SET', 'maxmemory', 0);
    await storage.ping();
    await storage.close();
  });

  test('a closed storage leaves no connection behind, followers included', async () => {
    const storage = openRedis({ url: server.url });
    const following = await followFeed(storage);
    const count = async () => String(await admin.call('client', 'list')).match(/name=latchkey/g)?.length ?? 0;
    expect(await count()).toBe(2);
    await following.close();
    await storage.close();
    await expect.poll(count).toBe(0);
  });
});

describe('a feed over a lost connection', () => {
  const publish = (id: string) =>
    admin.xadd('latchkey:feed', '*', 'event', JSON.stringify({ type: 'client', id }));

  test('no event is missed, and there is no gap', async () => {
    const storage = openRedis({ url: server.url });
    const { events, gaps, until, close } = await followFeed(storage);
    await publish('1');
    await until(() => events.length === 1);
    for (const id of ['2', '3', '4']) {
      // In one transaction: the follower is cut off before the event is there.
      await admin
        .multi()
        .call('client', 'kill', 'type', 'normal', 'skipme', 'yes')
        .xadd('latchkey:feed', '*', 'event', JSON.stringify({ type: 'client', id }))
        .exec();
      await until(() => events.length === Number(id));
    }
    expect(events.map((event) => 'id' in event && event.id)).toEqual(['1', '2', '3', '4']);
    expect(gaps()).toBe(0);
    await close();
    await storage.close();
  });

  test('a stream that was trimmed beyond the last event seen is a gap, and following goes on', async () => {
    const storage = openRedis({ url: server.url });
    const { events, gaps, until, close } = await followFeed(storage);
    await publish('1');
    await until(() => events.length === 1);
    await admin
      .multi()
      .call('client', 'kill', 'type', 'normal', 'skipme', 'yes')
      .xadd('latchkey:feed', '*', 'event', '{"type":"client","id":"lost"}')
      .xtrim('latchkey:feed', 'MAXLEN', 0)
      .exec();
    await until(() => gaps() === 1);
    await publish('2');
    await until(() => events.length === 2);
    expect(events.at(-1)).toEqual({ type: 'client', id: '2' });
    await close();
    await storage.close();
  });

  test('an emptied store is a gap, and following goes on', async () => {
    const storage = openRedis({ url: server.url });
    const { events, gaps, until, close } = await followFeed(storage);
    await admin.flushall();
    await until(() => gaps() === 1);
    await publish('1');
    await until(() => events.length === 1);
    expect(gaps()).toBe(1);
    await close();
    await storage.close();
  });

  test('a server that came back empty is a gap, and following goes on', async () => {
    const storage = openRedis({ url: server.url });
    const { events, gaps, until, close } = await followFeed(storage);
    await server.kill();
    await server.restart();
    await until(() => gaps() === 1);
    await up(storage);
    await storage.feed.publish({ type: 'signing_keys' });
    await until(() => events.length === 1);
    await close();
    await storage.close();
  });

  test('following may begin while the server is away: it starts with a gap once it is back', async () => {
    await server.kill();
    const storage = openRedis({ url: server.url });
    const { events, gaps, until, close } = await followFeed(storage);
    await server.restart();
    await until(() => gaps() === 1);
    await up(storage);
    await storage.feed.publish({ type: 'signing_keys' });
    await until(() => events.length === 1);
    await close();
    await storage.close();
  });
});
