import { createMemoryPermits, createRateLimiter } from '@latchkey/guard';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createStage, createStore, FIRST_END, limitOf, only, START, type Stage, takeMany } from './stage.ts';

const limits = [limitOf(100)];
let stage: Stage;
let faults: unknown[];

async function open(processes: number): Promise<Stage> {
  faults = [];
  stage = createStage(processes, (error) => faults.push(error));
  // The second beat of all: by now each process knows of the others.
  await pass(10_000);
  return stage;
}

/** Lets the timers and both clocks go on. */
async function pass(ms: number): Promise<void> {
  stage.clock += ms;
  await vi.advanceTimersByTimeAsync(ms);
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  for (const limiter of stage.limiters) limiter.close();
  vi.useRealTimers();
});

describe('while the store refuses', () => {
  it('each process admits its share, and answers at once', async () => {
    const { limiters, store } = await open(4);
    store.state = 'refusing';
    for (const limiter of limiters) {
      expect(await takeMany(limiter, limits, 1)).toBe(1);
      for (let time = 1; time < 25; time++) expect(limiter.take(limits)).toMatchObject({ allowed: true });
      expect(limiter.take(limits)).toEqual({
        allowed: false,
        states: [{ limit: limits[0], remaining: 0, resetAt: FIRST_END }],
        at: stage.clock,
      });
    }
  });

  it('processes of other services that share the store have no part in it', async () => {
    const { limiter, store } = await open(2);
    const others = ['auth', 'auth', 'console'].map((group) => createRateLimiter({ permits: store, group }));
    stage.limiters.push(...others);
    await pass(10_000);
    store.state = 'refusing';
    expect(await takeMany(limiter, limits, 100)).toBe(50);
  });

  it('what the process used of the window before counts', async () => {
    const { limiter, store } = await open(2);
    expect(await takeMany(limiter, limits, 30)).toBe(30);
    store.state = 'refusing';
    expect(await takeMany(limiter, limits, 100)).toBe(20);
  });

  it('permits in hand are used, even above the share', async () => {
    const { limiter, store } = await open(2);
    await takeMany(limiter, [limitOf(10_000)], 5_500);
    const held = store.leases;
    store.state = 'refusing';
    expect(limiter.take([limitOf(10_000)])).toMatchObject({ allowed: true });
    expect(store.leases).toBe(held);
  });

  it('a window that was used up stays so', async () => {
    const { limiter, store } = await open(2);
    await takeMany(limiter, limits, 101);
    store.state = 'refusing';
    expect(await takeMany(limiter, limits, 5)).toBe(0);
  });

  it('windows go on, aligned as by the clock of the store', async () => {
    const { limiter, store } = await open(2);
    await takeMany(limiter, limits, 1);
    store.state = 'refusing';
    expect(await takeMany(limiter, limits, 100)).toBe(49);
    stage.clock = FIRST_END * 1000;
    expect(only(await limiter.take(limits))).toEqual({ remaining: 49, resetAt: FIRST_END + 60 });
  });

  it('a limit smaller than the number of processes still admits one request in each', async () => {
    const { limiter, store } = await open(4);
    store.state = 'refusing';
    expect(await takeMany(limiter, [limitOf(2)], 10)).toBe(1);
  });

  it('it is told once, and asked again only now and then', async () => {
    const { limiter, store } = await open(1);
    store.state = 'refusing';
    const asked = store.leases;
    for (let time = 0; time < 100; time++) {
      await limiter.take([limitOf(1000, `org:${time}`)]);
      await pass(10);
    }
    expect(faults).toHaveLength(1);
    expect(store.leases - asked).toBeLessThanOrEqual(6);
  });
});

describe('while the store is silent', () => {
  it('a request waits 100 ms for it, the next ones not at all', async () => {
    const { limiter, store } = await open(1);
    store.state = 'silent';
    let decided = false;
    const waiting = Promise.resolve(limiter.take(limits)).then((decision) => {
      decided = true;
      return decision;
    });
    await pass(99);
    expect(decided).toBe(false);
    await pass(2);
    expect(decided).toBe(true);
    expect(await waiting).toMatchObject({ allowed: true });
    expect(limiter.take(limits)).toMatchObject({ allowed: true });
    expect(faults).toHaveLength(1);
  });

  it('the permits of a late answer pay for what was admitted meanwhile', async () => {
    const { limiters, store } = await open(2);
    const [first, second] = limiters as [Stage['limiter'], Stage['limiter']];
    store.state = 'silent';
    const waiting = first.take(limits);
    await pass(101);
    await waiting;
    expect(await takeMany(first, limits, 39)).toBe(39);
    store.speak();
    await pass(1);
    const later = [await takeMany(first, limits, 1), await takeMany(second, limits, 200)];
    later.push(await takeMany(first, limits, 200));
    expect(40 + later.reduce((sum, admitted) => sum + admitted, 0)).toBe(100);
  });

  it('a lease without an answer is given up after a while, and late permits of an old window are not used', async () => {
    const { limiter, store } = await open(1);
    store.state = 'silent';
    const waiting = limiter.take(limits);
    await pass(101);
    await waiting;
    await pass(5_000);
    expect(await takeMany(limiter, limits, 98)).toBe(98);
    stage.clock = FIRST_END * 1000 - 1;
    store.speak();
    stage.clock = FIRST_END * 1000 + 1;
    await pass(300);
    expect(await takeMany(limiter, limits, 200)).toBe(100);
  });
});

describe('when the store is back', () => {
  it('within the window, nothing is admitted twice', async () => {
    const { limiter, store } = await open(1);
    expect(await takeMany(limiter, limits, 30)).toBe(30);
    store.state = 'refusing';
    expect(await takeMany(limiter, limits, 30)).toBe(30);
    store.state = 'there';
    await pass(250);
    const asked = store.leases;
    expect(await takeMany(limiter, limits, 1)).toBe(1);
    await pass(1);
    expect(await takeMany(limiter, limits, 1)).toBe(1);
    // The lease that finds the store back pays for all 30 at once.
    expect(store.leases - asked).toBe(1);
    expect(await takeMany(limiter, limits, 100)).toBe(38);
  });

  it('in another window, nothing of the old one is paid', async () => {
    const { limiter, store } = await open(1);
    store.state = 'refusing';
    await takeMany(limiter, limits, 100);
    stage.clock = FIRST_END * 1000;
    store.state = 'there';
    await pass(250);
    expect(await takeMany(limiter, limits, 200)).toBe(100);
  });

  it('empty, in the middle of a window, it counts on from what the processes know', async () => {
    stage = createStage(0);
    const first = createMemoryPermits(() => stage.clock);
    const second = createMemoryPermits(() => stage.clock);
    const store = createStore(first);
    const clock = () => stage.clock;
    const limiter = createRateLimiter({ permits: store, now: clock, monotonic: clock });
    stage.limiters.push(limiter);
    expect(await takeMany(limiter, limits, 70)).toBe(70);
    store.lease = second.lease;
    expect(await takeMany(limiter, limits, 100)).toBe(30);
  });

  it('requests find out by themselves within a quarter of a second', async () => {
    const { limiter, store } = await open(2);
    store.state = 'refusing';
    expect(await takeMany(limiter, limits, 60)).toBe(50);
    store.state = 'there';
    await pass(250);
    limiter.take(limits);
    await pass(1);
    expect(await takeMany(limiter, limits, 10)).toBe(10);
  });
});

describe('a store that answers nonsense', () => {
  it.each([
    [
      'that it grants nothing of what is left',
      { granted: 0, used: 3, windowEndsInMs: 1_000, windowEndsAt: 60 },
    ],
    ['more than was asked for', { granted: 500, used: 500, windowEndsInMs: 1_000, windowEndsAt: 60 }],
    ['no numbers', { granted: Number.NaN, used: 1, windowEndsInMs: 1_000, windowEndsAt: 60 }],
    ['a window that is over', { granted: 1, used: 1, windowEndsInMs: 0, windowEndsAt: 60 }],
  ])('counts as away: %s', async (_, lease) => {
    await open(1);
    const errors: unknown[] = [];
    const limiter = createRateLimiter({
      permits: { lease: async () => lease, countMembers: async () => 4 },
      onUnavailable: (error) => errors.push(error),
      now: () => START,
      monotonic: () => 0,
    });
    stage.limiters.push(limiter);
    await pass(1);
    expect(await takeMany(limiter, limits, 100)).toBe(25);
    expect(errors).toEqual([expect.any(TypeError)]);
  });

  it('counts as away when it throws where it should reject', async () => {
    await open(1);
    const fail = () => {
      throw new Error('not connected');
    };
    const limiter = createRateLimiter({ permits: { lease: fail, countMembers: fail } });
    stage.limiters.push(limiter);
    expect(await takeMany(limiter, limits, 200)).toBe(100);
  });
});
