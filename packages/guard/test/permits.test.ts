import { randomUUID } from 'node:crypto';
import {
  createMemoryPermits,
  createRedisPermits,
  fromRedisClient,
  type Permits,
} from '@latchkey/guard/permits';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

const hour = 3_600;
const aboutNow = () => Math.floor(Date.now() / 1000);

describe.each(['memory', 'Redis'])('permits in %s', (store) => {
  let redis: Redis;
  let permits: Permits;
  const prefix = `${randomUUID()}:`;

  beforeAll(() => {
    redis = new Redis(inject('redisUrl'));
    permits = store === 'Redis' ? createRedisPermits(fromRedisClient(redis), prefix) : createMemoryPermits();
  });
  afterAll(() => redis.quit());

  it('are granted up to the limit, whoever asks', async () => {
    const key = randomUUID();
    const ask = (want: number) => permits.lease(key, { limit: 10, windowSeconds: hour, want });
    expect(await ask(4)).toMatchObject({ granted: 4, used: 4 });
    expect(await ask(4)).toMatchObject({ granted: 4, used: 8 });
    expect(await ask(4)).toMatchObject({ granted: 2, used: 10 });
    expect(await ask(4)).toMatchObject({ granted: 0, used: 10 });
  });

  it('are never more than the limit when fifty ask at once', async () => {
    const key = randomUUID();
    const ask = () => permits.lease(key, { limit: 100, windowSeconds: hour, want: 3 });
    const leases = await Promise.all(Array.from({ length: 50 }, ask));
    expect(leases.reduce((sum, { granted }) => sum + granted, 0)).toBe(100);
  });

  it('end with their window, which begins at a whole multiple of its length', async () => {
    const before = aboutNow();
    const lease = await permits.lease(randomUUID(), { limit: 1, windowSeconds: hour, want: 1 });
    expect(lease.windowEndsAt % hour).toBe(0);
    expect(lease.windowEndsAt).toBeGreaterThan(before);
    expect(lease.windowEndsAt).toBeLessThanOrEqual(aboutNow() + hour);
    expect(Math.abs(lease.windowEndsInMs - (lease.windowEndsAt * 1000 - Date.now()))).toBeLessThan(1_000);
  });

  it('go no further than the limit of the one who asks, when limits differ', async () => {
    const key = randomUUID();
    const ask = (limit: number, want: number) => permits.lease(key, { limit, windowSeconds: hour, want });
    expect(await ask(100, 50)).toMatchObject({ granted: 50 });
    expect(await ask(10, 5)).toMatchObject({ granted: 0, used: 50 });
    expect(await ask(60, 50)).toMatchObject({ granted: 10, used: 60 });
  });

  it('are counted apart for windows of different length', async () => {
    const key = randomUUID();
    await permits.lease(key, { limit: 1, windowSeconds: hour, want: 1 });
    expect(await permits.lease(key, { limit: 1, windowSeconds: 2 * hour, want: 1 })).toMatchObject({
      granted: 1,
    });
  });

  it('count on from what the caller saw, when the store lost it', async () => {
    const key = randomUUID();
    const ask = (seen: { windowEndsAt: number; used: number }) =>
      permits.lease(key, { limit: 100, windowSeconds: hour, want: 50, seen });
    const other = await permits.lease(randomUUID(), { limit: 1, windowSeconds: hour, want: 1 });
    expect(await ask({ windowEndsAt: other.windowEndsAt, used: 80 })).toMatchObject({
      granted: 20,
      used: 100,
    });
  });

  it('forget what the caller saw of another window', async () => {
    const seen = { windowEndsAt: (Math.floor(aboutNow() / hour) - 1) * hour, used: 100 };
    const lease = await permits.lease(randomUUID(), { limit: 100, windowSeconds: hour, want: 50, seen });
    expect(lease).toMatchObject({ granted: 50, used: 50 });
  });

  it('know how many members of a group are alive', async () => {
    expect(await permits.countMembers('api', 'a', 60)).toBe(1);
    expect(await permits.countMembers('api', 'b', 60)).toBe(2);
    expect(await permits.countMembers('api', 'a', 60)).toBe(2);
    expect(await permits.countMembers('api', 'a', 0)).toBe(1);
    expect(await permits.countMembers('auth', 'c', 60)).toBe(1);
  });
});

describe('permits in memory', () => {
  it('are new in the next window', async () => {
    let now = 0;
    const permits = createMemoryPermits(() => now);
    const ask = () => permits.lease('key', { limit: 3, windowSeconds: 60, want: 5 });
    expect(await ask()).toEqual({ granted: 3, used: 3, windowEndsInMs: 60_000, windowEndsAt: 60 });
    now = 59_999;
    expect(await ask()).toEqual({ granted: 0, used: 3, windowEndsInMs: 1, windowEndsAt: 60 });
    now = 60_000;
    expect(await ask()).toEqual({ granted: 3, used: 3, windowEndsInMs: 60_000, windowEndsAt: 120 });
  });
});

describe('permits in Redis', () => {
  const prefix = `${randomUUID()}:`;
  let redis: Redis;
  let permits: Permits;
  const ask = () => permits.lease('key', { limit: 3, windowSeconds: hour, want: 2 });
  const name = `${prefix}limit:${hour}:key`;

  beforeAll(() => {
    redis = new Redis(inject('redisUrl'));
    permits = createRedisPermits(fromRedisClient(redis), prefix);
  });
  afterAll(() => redis.quit());

  it('are one key that goes away shortly after its window', async () => {
    const { windowEndsAt } = await ask();
    expect(await redis.keys(`${prefix}*`)).toEqual([name]);
    expect(await redis.pexpiretime(name)).toBe(windowEndsAt * 1000 + 1000);
  });

  it('are new when the window is another than the one stored', async () => {
    await redis.hset(name, { window: 1, used: 3 });
    expect(await ask()).toMatchObject({ granted: 2, used: 2 });
  });

  it('go on in a window that another clock began a little early', async () => {
    const { windowEndsAt } = await ask();
    await redis.hset(name, { window: windowEndsAt / hour, used: 2 });
    expect(await ask()).toMatchObject({ granted: 1, used: 3, windowEndsAt: windowEndsAt + hour });
  });

  it('survive a server that forgot its scripts', async () => {
    await redis.script('FLUSH');
    await redis.del(name);
    expect(await ask()).toMatchObject({ granted: 2 });
  });

  it('are refused when what answers is no limit script', async () => {
    const strange = createRedisPermits(async () => ['1', 'none'], prefix);
    await expect(strange.lease('key', { limit: 1, windowSeconds: 60, want: 1 })).rejects.toThrow(TypeError);
  });
});
