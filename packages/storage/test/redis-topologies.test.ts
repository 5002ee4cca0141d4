import { setTimeout } from 'node:timers/promises';
import { openRedis } from '@latchkey/storage';
import { describeSharedStorage } from '@latchkey/storage/contract';
import { elapseInRedis } from './aging.ts';
import { startCluster, startSentinel, type Topology } from './redis-topologies.ts';

for (const [name, start] of [
  ['Redis Cluster', startCluster],
  ['Redis with Sentinel', startSentinel],
] satisfies [string, () => Promise<Topology>][]) {
  describeSharedStorage(name, async () => {
    const { url, nodes, stop } = await start();
    const storages = [openRedis({ url }), openRedis({ url })] as const;
    return {
      storages,
      async elapse(seconds) {
        for (const node of nodes) await elapseInRedis(node.url, 'latchkey:', seconds);
      },
      pass: (ms) => setTimeout(ms),
      async close() {
        for (const storage of storages) await storage.close();
        await stop();
      },
    };
  });
}
