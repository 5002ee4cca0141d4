import { openRedis, type SharedStorage, StorageUnavailableError } from '@latchkey/storage';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startCluster, type Topology } from './redis-topologies.ts';

describe('a Redis Cluster', () => {
  let cluster: Topology;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster?.stop());

  const open = () => {
    const storage = openRedis({ url: cluster.url });
    onTestFinished(() => storage.close());
    return storage;
  };
  const claimMany = (storage: SharedStorage, name: string) =>
    Promise.allSettled(Array.from({ length: 50 }, (_, n) => storage.replays.claim(`${name} ${n}`, 60)));

  test('serves the first commands of a process, however many come at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      for (const claim of await claimMany(open(), `round ${round}`)) {
        expect(claim).toEqual({ status: 'fulfilled', value: true });
      }
    }
  });

  test('that loses a connection is not asked a second time: whether it did the first is unknown', async () => {
    const storage = open();
    const admins = cluster.nodes.map((node) => new Redis(node.url));
    onTestFinished(() => {
      for (const admin of admins) admin.disconnect();
    });
    await storage.ping();
    for (const admin of admins) await admin.call('client', 'pause', 60_000, 'WRITE');
    const claim = storage.replays.claim('key', 60).catch((error: unknown) => error);
    const holder = await vi.waitFor(async () => {
      for (const admin of admins)
        if ((await admin.info('clients')).includes('blocked_clients:1')) return admin;
      throw new Error('the claim has not arrived');
    });
    await holder.call('client', 'kill', 'type', 'normal', 'skipme', 'yes');
    for (const admin of admins) await admin.call('client', 'unpause');
    expect(await claim).toBeInstanceOf(StorageUnavailableError);
    await expect.poll(() => storage.replays.claim('key', 60).catch(String)).toBe(true);
  });

  test('killed, is unavailable at once, and serves again when its nodes are back', async () => {
    const storage = open();
    await storage.ping();
    const claims = claimMany(storage, 'killed');
    for (const node of cluster.nodes) await node.kill();
    for (const claim of await claims) {
      if (claim.status === 'rejected') expect(claim.reason).toBeInstanceOf(StorageUnavailableError);
    }
    await expect(storage.ping()).rejects.toThrow(StorageUnavailableError);
    for (const node of cluster.nodes) await node.restart();
    await expect.poll(() => storage.replays.claim('after', 60).catch(String), { timeout: 20_000 }).toBe(true);
  });
});
