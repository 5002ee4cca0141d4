import { openMemory } from '@latchkey/storage';
import { createTestClock, describeSharedStorage } from '@latchkey/storage/contract';

describeSharedStorage('memory', async () => {
  const clock = createTestClock();
  const storage = openMemory({ now: clock.now });
  return {
    storages: [storage, storage],
    elapse: async (seconds) => clock.advance(seconds),
    pass: async (ms) => clock.advance(ms / 1000),
    close: () => storage.close(),
  };
});
