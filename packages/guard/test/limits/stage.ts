import {
  createMemoryPermits,
  createRateLimiter,
  type Lease,
  type LeaseRequest,
  type Limit,
  type LimitDecision,
  type Permits,
  type RateLimiter,
} from '@latchkey/guard';

export function limitOf(requests: number, key = 'org:acme', windowSeconds = 60): Limit {
  return { name: key.slice(0, key.indexOf(':')), key, requests, windowSeconds };
}

/** A store that counts what is asked of it, and that can be made to fail or to fall silent. */
export interface Store extends Permits {
  leases: number;
  state: 'there' | 'refusing' | 'silent';
  /** Turns of the event queue that a lease is on its way to the store. */
  distance: number;
  /** Lets answer what fell silent. */
  speak(): void;
}

export function createStore(permits: Permits): Store {
  const silent: (() => void)[] = [];
  const store: Store = {
    leases: 0,
    state: 'there',
    distance: 0,
    speak() {
      store.state = 'there';
      for (const answer of silent.splice(0)) answer();
    },
    async lease(key: string, request: LeaseRequest): Promise<Lease> {
      store.leases++;
      if (store.state === 'refusing') throw new Error('connection refused');
      for (let turn = 0; turn < store.distance; turn++) await null;
      if (store.state === 'silent') await new Promise<void>((resolve) => silent.push(resolve));
      return permits.lease(key, request);
    },
    async countMembers(...word) {
      if (store.state !== 'there') throw new Error('connection refused');
      return permits.countMembers(...word);
    },
  };
  return store;
}

export interface Stage {
  /** Epoch milliseconds of every clock. */
  clock: number;
  store: Store;
  /** Processes that share the store. */
  limiters: RateLimiter[];
  limiter: RateLimiter;
}

/** 2023-11-14T22:13:20Z is in the middle of a minute: windows end 40 s later. */
export const START = 1_700_000_000_000;
export const FIRST_END = START / 1000 + 40;

export function createStage(processes = 1, onUnavailable?: (error: unknown) => void): Stage {
  const stage = { clock: START } as Stage;
  stage.store = createStore(createMemoryPermits(() => stage.clock));
  stage.limiters = Array.from({ length: processes }, (_, index) =>
    createRateLimiter({
      permits: stage.store,
      member: `process ${index}`,
      now: () => stage.clock,
      // A clock of its own, whose zero lies elsewhere.
      monotonic: () => stage.clock - START + index * 1_000,
      ...(onUnavailable && { onUnavailable }),
    }),
  );
  stage.limiter = stage.limiters[0] as RateLimiter;
  return stage;
}

/** One after the other; answers how many were admitted. */
export async function takeMany(
  limiter: RateLimiter,
  limits: readonly Limit[],
  times: number,
): Promise<number> {
  let admitted = 0;
  for (let time = 0; time < times; time++) if ((await limiter.take(limits)).allowed) admitted++;
  return admitted;
}

export function only({ states }: LimitDecision): { remaining: number; resetAt: number } {
  const [state] = states;
  if (states.length !== 1 || !state) throw new Error('not a decision over one limit');
  return { remaining: state.remaining, resetAt: state.resetAt };
}
