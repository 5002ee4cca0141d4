import type { LimitDecision } from '@latchkey/guard';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createStage, limitOf, START } from './stage.ts';

const LIMIT = { 'org:one': 23, 'key:one': 11, 'key:two': 7 } as const;
type Key = keyof typeof LIMIT;
const keys = Object.keys(LIMIT) as Key[];

const processes = 3;
const take = fc.record({
  by: fc.nat({ max: processes - 1 }),
  of: fc.subarray(keys, { minLength: 1 }),
  times: fc.integer({ min: 1, max: 12 }),
});
const step = fc.record({ step: fc.constantFrom(1, 90, 1_000, 20_000, 60_000) });
const distance = fc.record({ distance: fc.constantFrom(0, 1, 5) });
const settle = fc.constant({ settle: true as const });

/** Which requests were admitted in which window, counted for each limit. */
function createLedger() {
  const counts = new Map<string, number>();
  return {
    note(of: readonly Key[], resetAt: readonly number[]) {
      for (const [index, key] of of.entries()) {
        const window = `${key} until ${resetAt[index]}`;
        counts.set(window, (counts.get(window) ?? 0) + 1);
      }
    },
    overdrawn: () => [...counts].filter(([window, count]) => count > LIMIT[window.split(' ')[0] as Key]),
  };
}

it('no interleaving of requests, clocks and processes admits more than the limit in a window', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(take, step, settle, distance), { maxLength: 60 }), async (actions) => {
      const stage = createStage(processes);
      const ledger = createLedger();
      const pending: Promise<void>[] = [];
      try {
        for (const action of actions) {
          if ('step' in action) stage.clock += action.step;
          else if ('distance' in action) stage.store.distance = action.distance;
          else if ('settle' in action) await Promise.all(pending.splice(0));
          else
            for (let time = 0; time < action.times; time++) {
              const note = (made: LimitDecision | undefined) => {
                if (!made?.allowed) return;
                const ends = made.states.map(({ resetAt }) => resetAt);
                for (const end of ends) expect(end * 1000).toBeGreaterThan(stage.clock);
                ledger.note(action.of, ends);
              };
              const decision = stage.limiters[action.by]?.take(
                action.of.map((key) => limitOf(LIMIT[key], key)),
              );
              if (decision instanceof Promise) pending.push(decision.then(note));
              else note(decision);
            }
        }
        await Promise.all(pending);
        expect(ledger.overdrawn()).toEqual([]);
      } finally {
        for (const limiter of stage.limiters) limiter.close();
      }
    }),
    { numRuns: 300 },
  );
});

it('every request is answered, without a fault, whatever becomes of the store', async () => {
  const state = fc.record({ state: fc.constantFrom('there' as const, 'refusing' as const) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(take, step, settle, distance, state), { maxLength: 60 }),
      async (actions) => {
        const stage = createStage(processes);
        const pending: unknown[] = [];
        try {
          for (const action of actions) {
            if ('step' in action) stage.clock += action.step;
            else if ('state' in action) stage.store.state = action.state;
            else if ('distance' in action) stage.store.distance = action.distance;
            else if ('settle' in action) await Promise.all(pending.splice(0));
            else
              for (let time = 0; time < action.times; time++)
                pending.push(
                  stage.limiters[action.by]?.take(action.of.map((key) => limitOf(LIMIT[key], key))),
                );
          }
          const decisions = await Promise.all(pending);
          for (const decision of decisions) {
            const { states } = decision as { states: { remaining: number; resetAt: number }[] };
            for (const { remaining, resetAt } of states) {
              expect(remaining).toBeGreaterThanOrEqual(0);
              expect(resetAt * 1000).toBeGreaterThan(START);
              expect(resetAt % 60).toBe(0);
            }
          }
        } finally {
          for (const limiter of stage.limiters) limiter.close();
        }
      },
    ),
    { numRuns: 300 },
  );
});
