import { setTimeout } from 'node:timers/promises';
import { randomBase62 } from '@latchkey/protocol';
import { openRedis } from '@latchkey/storage';
import { describeSharedStorage } from '@latchkey/storage/contract';
import { inject } from 'vitest';
import { elapseInRedis } from './aging.ts';

describeSharedStorage('Redis', async () => {
  const url = inject('redisUrl');
  const keyPrefix = `test-${randomBase62(10)}:`;
  const storage = openRedis({ url, keyPrefix });
  const peer = openRedis({ url, keyPrefix });
  return {
    storages: [storage, peer],
    elapse: (seconds) => elapseInRedis(url, keyPrefix, seconds),
    pass: (ms) => setTimeout(ms),
    async close() {
      await storage.close();
      await peer.close();
    },
  };
});
