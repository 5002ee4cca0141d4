import { afterAll, beforeAll, describe } from 'vitest';
import type { SharedStorage } from '../storage.ts';
import { testArtifacts } from './artifacts.ts';
import { testCounters } from './counters.ts';
import { testFeed } from './feed.ts';
import { testPermits } from './permits.ts';

/** An implementation under test, empty. */
export interface SharedHarness {
  /** Two handles on the same data, as two processes hold; twice the same where data belongs to one process. */
  storages: readonly [SharedStorage, SharedStorage];
  /** Makes everything in the store that much older. */
  elapse(seconds: number): Promise<void>;
  /** Lets time pass on the store's own clock. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

export interface SharedFixture {
  storage: SharedStorage;
  /** Another process's storage on the same data. */
  peer: SharedStorage;
  elapse(seconds: number): Promise<void>;
  pass(ms: number): Promise<void>;
}

/** Holds an implementation to every guarantee of `SharedStorage`. Call it in a test file. */
export function describeSharedStorage(name: string, open: () => Promise<SharedHarness>): void {
  describe(`shared storage: ${name}`, () => {
    let harness: SharedHarness | undefined;
    const fixture = () => {
      if (!harness) throw new Error('the storage is not open');
      const [storage, peer] = harness.storages;
      return { storage, peer, elapse: harness.elapse, pass: harness.pass };
    };
    beforeAll(async () => {
      harness = await open();
      await harness.storages[0].ping();
    });
    afterAll(() => harness?.close());

    testArtifacts(fixture);
    testCounters(fixture);
    testPermits(fixture);
    testFeed(fixture);
  });
}
