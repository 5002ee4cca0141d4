export { createTestClock, type TestClock } from './clock.ts';
export { type DurableFixture, type DurableHarness, describeDurableStorage, METADATA } from './durable.ts';
export { describeSharedStorage, type SharedFixture, type SharedHarness } from './shared.ts';
