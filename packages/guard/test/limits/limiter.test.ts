import { createMemoryPermits, createRateLimiter } from '@latchkey/guard';
import { afterEach, describe, expect, it } from 'vitest';
import { createTallies } from '../../src/limits/tallies.ts';
import { createStage, createStore, FIRST_END, limitOf, only, START, type Stage, takeMany } from './stage.ts';

let stage: Stage;
const open = (processes = 1) => {
  stage = createStage(processes);
  return stage;
};
afterEach(() => {
  for (const limiter of stage.limiters) limiter.close();
});

describe('a window', () => {
  it('admits its limit and not one more, and counts down truthfully', async () => {
    const { limiter } = open();
    const limit = limitOf(100);
    for (let remaining = 99; remaining >= 0; remaining--) {
      const decision = await limiter.take([limit]);
      expect(decision.allowed).toBe(true);
      expect(only(decision)).toEqual({ remaining, resetAt: FIRST_END });
    }
    const refused = await limiter.take([limit]);
    expect(refused).toEqual({
      allowed: false,
      states: [{ limit, remaining: 0, resetAt: FIRST_END }],
      at: START,
    });
  });

  it('that is used up is refused from memory until it ends', async () => {
    const { limiter, store } = open();
    await takeMany(limiter, [limitOf(5)], 6);
    const asked = store.leases;
    for (let second = 0; second < 40; second++) {
      stage.clock = START + second * 1_000;
      expect(limiter.take([limitOf(5)])).toMatchObject({ allowed: false });
    }
    expect(store.leases).toBe(asked);
  });

  it('is new at the second that was told as its reset, not before', async () => {
    const { limiter } = open();
    const limits = [limitOf(5)];
    await takeMany(limiter, limits, 5);
    const { resetAt } = only(await limiter.take(limits));
    stage.clock = resetAt * 1000 - 1;
    expect(await takeMany(limiter, limits, 1)).toBe(0);
    stage.clock = resetAt * 1000;
    expect(only(await limiter.take(limits))).toEqual({ remaining: 4, resetAt: resetAt + 60 });
  });

  it('takes its unused permits with it', async () => {
    const { limiter } = open();
    await takeMany(limiter, [limitOf(1000)], 300);
    stage.clock = FIRST_END * 1000;
    expect(await takeMany(limiter, [limitOf(1000)], 1_100)).toBe(1000);
  });

  it('is told with the same end by all processes, whatever their clocks', async () => {
    const { limiters } = open(3);
    for (const limiter of limiters) expect(only(await limiter.take([limitOf(9)])).resetAt).toBe(FIRST_END);
  });

  it('is told with the moment by the clock of the store, whatever ours says', async () => {
    const { store, clock } = open();
    const limiter = createRateLimiter({ permits: store, now: () => clock + 30_000, monotonic: () => 0 });
    stage.limiters.push(limiter);
    expect(await limiter.take([limitOf(9)])).toMatchObject({ at: START, states: [{ resetAt: FIRST_END }] });
    expect(await limiter.take([limitOf(9)])).toMatchObject({ at: START });
  });

  it('is shared: two processes admit the limit together', async () => {
    const { limiters } = open(2);
    const limits = [limitOf(100)];
    let admitted = 0;
    for (let round = 0; round < 200; round++)
      for (const limiter of limiters) if ((await limiter.take(limits)).allowed) admitted++;
    expect(admitted).toBe(100);
  });

  it('leaves 98 % to one process when another took only a few', async () => {
    const { limiters } = open(2);
    const [first, second] = limiters as [Stage['limiter'], Stage['limiter']];
    expect(await takeMany(first, [limitOf(1000)], 3)).toBe(3);
    expect(await takeMany(second, [limitOf(1000)], 1000)).toBeGreaterThanOrEqual(980);
  });

  it('that allows nothing admits nothing', async () => {
    const { limiter } = open();
    expect(await takeMany(limiter, [limitOf(0)], 3)).toBe(0);
  });
});

describe('several windows', () => {
  it('count a request all together or not at all', async () => {
    const { limiter } = open();
    const organization = limitOf(100, 'org:acme');
    const key = limitOf(10, 'key:one');
    expect(await takeMany(limiter, [organization, key], 50)).toBe(10);
    const { states } = await limiter.take([organization, key]);
    expect(states.map(({ remaining }) => remaining)).toEqual([90, 0]);
    expect(await takeMany(limiter, [organization], 200)).toBe(90);
  });

  it('are told in the order they were given, those not looked at yet as they stand', async () => {
    const { limiter } = open();
    const used = limitOf(1, 'key:used');
    const fresh = limitOf(7, 'org:fresh', 3600);
    await takeMany(limiter, [used], 1);
    expect(await limiter.take([fresh, used])).toEqual({
      allowed: false,
      states: [
        { limit: fresh, remaining: 7, resetAt: Math.ceil(START / 3_600_000) * 3600 },
        { limit: used, remaining: 0, resetAt: FIRST_END },
      ],
      at: START,
    });
  });

  it('admit whoever has no limit', () => {
    expect(open().limiter.take([])).toEqual({ allowed: true, states: [], at: START });
  });
});

describe('a plan that changes in the middle of a window', () => {
  it('upwards gives the rest of the new limit at once', async () => {
    const { limiter } = open();
    expect(await takeMany(limiter, [limitOf(10)], 20)).toBe(10);
    expect(await takeMany(limiter, [limitOf(50)], 100)).toBe(40);
  });

  it('downwards gives no more than the new limit, permits in hand or not', async () => {
    const { limiter } = open();
    await takeMany(limiter, [limitOf(1000)], 60);
    expect(await takeMany(limiter, [limitOf(70)], 100)).toBe(10);
    expect(only(await limiter.take([limitOf(20)]))).toMatchObject({ remaining: 0 });
  });

  it('of length is counted anew', async () => {
    const { limiter } = open();
    expect(await takeMany(limiter, [limitOf(10)], 20)).toBe(10);
    expect(await takeMany(limiter, [limitOf(5, 'org:acme', 3600)], 20)).toBe(5);
  });
});

describe('many requests at once', () => {
  it('share the leases under way', async () => {
    const { limiter, store } = open();
    const decisions = await Promise.all(Array.from({ length: 200 }, () => limiter.take([limitOf(1000)])));
    expect(decisions.every(({ allowed }) => allowed)).toBe(true);
    expect(store.leases).toBeLessThanOrEqual(3);
  });

  it('are served in the order they came', async () => {
    const { limiter } = open();
    const decisions = await Promise.all(Array.from({ length: 30 }, () => limiter.take([limitOf(20)])));
    expect(decisions.map(({ allowed }) => allowed)).toEqual(Array.from({ length: 30 }, (_, at) => at < 20));
  });

  it('get no more than the limit over two windows and two processes', async () => {
    const { limiters } = open(2);
    const limits = [limitOf(120), limitOf(100, 'key:one')];
    const decisions = await Promise.all(
      Array.from({ length: 400 }, (_, at) => limiters[at % 2]?.take(limits)),
    );
    expect(decisions.filter((decision) => decision?.allowed)).toHaveLength(100);
  });
});

describe('the memory of a limiter', () => {
  it('forgets the windows least recently leased when there are too many', async () => {
    open();
    const store = createStore(createMemoryPermits(() => stage.clock));
    const monotonic = () => stage.clock;
    const limiter = createRateLimiter({ permits: store, maxWindows: 10, now: monotonic, monotonic });
    stage.limiters.push(limiter);
    await takeMany(limiter, [limitOf(3, 'org:first')], 3);
    for (let other = 0; other < 20; other++) await limiter.take([limitOf(3, `org:${other}`)]);
    const asked = store.leases;
    expect(await takeMany(limiter, [limitOf(3, 'org:first')], 1)).toBe(0);
    expect(store.leases).toBe(asked + 1);
  });

  it('forgets windows that ended a while ago, and those alone', () => {
    open();
    const tallies = createTallies(10);
    const [ended, going] = [limitOf(3, 'org:ended'), limitOf(3, 'org:going')];
    const [first, second] = [tallies.of(ended, 0), tallies.of(going, 0)];
    first.enter(60, 60_000);
    second.enter(120, 120_000);
    tallies.sweep(120_001);
    expect(tallies.of(going, 0)).toBe(second);
    expect(tallies.of(ended, 0)).not.toBe(first);
  });
});
