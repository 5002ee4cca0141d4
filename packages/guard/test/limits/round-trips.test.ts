import { randomUUID } from 'node:crypto';
import { createMemoryPermits, createRateLimiter, createRedisPermits, fromRedisClient } from '@latchkey/guard';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createStore, limitOf, takeMany } from './stage.ts';

/** Requests at an even pace over one process; answers round trips and admissions. */
async function pace({ requests, rps, seconds }: { requests: number; rps: number; seconds: number }) {
  let clock = 0;
  const store = createStore(createMemoryPermits(() => clock));
  const limiter = createRateLimiter({ permits: store, now: () => clock, monotonic: () => clock });
  const limits = [limitOf(requests)];
  let admitted = 0;
  for (let sent = 0; sent < rps * seconds; sent++) {
    clock = (sent * 1000) / rps;
    if ((await limiter.take(limits)).allowed) admitted++;
  }
  limiter.close();
  return { admitted, roundTrips: store.leases };
}

describe('round trips per admitted request', () => {
  it.each([
    { requests: 1_000, rps: 100, seconds: 300 },
    { requests: 1_000, rps: 16, seconds: 300 },
    { requests: 10_000, rps: 500, seconds: 60 },
    { requests: 1_000_000, rps: 20_000, seconds: 30 },
  ])('are fewer than 1 in 10 for $requests a minute at $rps a second', async (load) => {
    const { admitted, roundTrips } = await pace(load);
    expect(admitted).toBe(Math.min(load.requests * Math.ceil(load.seconds / 60), load.rps * load.seconds));
    expect(roundTrips / admitted).toBeLessThan(0.1);
  });
});

describe('limiters on one Redis', () => {
  let redis: Redis;
  beforeAll(() => {
    redis = new Redis(inject('redisUrl'));
  });
  afterAll(() => redis.quit());

  /** Windows of an hour, so that no test meets the end of one; patience, so that a busy machine is no outage. */
  function open(processes: number) {
    const prefix = `${randomUUID()}:`;
    const stores = Array.from({ length: processes }, () =>
      createStore(createRedisPermits(fromRedisClient(redis), prefix)),
    );
    return stores.map((store) => ({
      store,
      limiter: createRateLimiter({ permits: store, patienceMs: 20_000 }),
    }));
  }

  it('two of them admit 100 of 400 requests, all at once or one by one', async () => {
    for (const atOnce of [true, false]) {
      const processes = open(2);
      const limits = [limitOf(100, 'key:one', 3_600)];
      const decisions = [];
      for (let sent = 0; sent < 400; sent++) {
        const decision = processes[sent % 2]?.limiter.take(limits);
        decisions.push(atOnce ? decision : await decision);
      }
      const allowed = (await Promise.all(decisions)).filter((decision) => decision?.allowed);
      expect(allowed).toHaveLength(100);
      for (const { limiter } of processes) limiter.close();
    }
  });

  it('one of two gets at least 98 of 100 when it gets all requests but a few', async () => {
    const [busy, idle] = open(2);
    const limits = [limitOf(100, 'key:one', 3_600)];
    if (!busy || !idle) throw new Error('two limiters are needed');
    const few = await takeMany(idle.limiter, limits, 1);
    const most = await takeMany(busy.limiter, limits, 400);
    expect(most).toBeGreaterThanOrEqual(98);
    expect(few + most).toBeLessThanOrEqual(100);
    for (const { limiter } of [busy, idle]) limiter.close();
  });

  it('one alone gets its limit exactly, with few round trips', async () => {
    const [process] = open(1);
    if (!process) throw new Error('a limiter is needed');
    const limits = [limitOf(10_000, 'org:one', 3_600)];
    expect(await takeMany(process.limiter, limits, 20_000)).toBe(10_000);
    expect(process.store.leases / 10_000).toBeLessThan(0.1);
    process.limiter.close();
  });

  it('does not keep a process alive', () => {
    const [process] = open(1);
    expect(process?.limiter.take([])).toMatchObject({ allowed: true });
    // Not closed on purpose: the run would hang if a timer held it.
  });
});
