import { createRateLimiter, createRedisPermits, fromRedisClient, type RateLimiter } from '@latchkey/guard';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startRedis, type TestServer } from '../../../../infra/test/servers.ts';
import { limitOf, takeMany } from './stage.ts';

let server: TestServer;
let redis: Redis;
let limiter: RateLimiter;
const faults: unknown[] = [];
/** So long that hardly any run of the test meets its end. */
const WEEK = 604_800;
const limits = [limitOf(1000, 'org:acme', WEEK)];

beforeAll(async () => {
  server = await startRedis();
  // As a service has it: commands wait in the client until Redis is back.
  redis = new Redis(server.url);
  redis.on('error', () => {});
  limiter = createRateLimiter({
    permits: createRedisPermits(fromRedisClient(redis), 'orders:'),
    onUnavailable: (error) => faults.push(error),
  });
});
afterAll(async () => {
  limiter.close();
  redis.disconnect();
  await server.stop();
});

it('a Redis that dies and comes back empty costs no request, and admits none twice', async () => {
  expect(await takeMany(limiter, limits, 400)).toBe(400);
  await server.kill();
  expect(await takeMany(limiter, limits, 300)).toBe(300);
  expect(faults).not.toEqual([]);

  await server.restart();
  const elsewhere = [limitOf(5, 'org:other', WEEK)];
  await vi.waitFor(
    async () => {
      await limiter.take(elsewhere);
      expect(await redis.exists(`orders:limit:${WEEK}:org:other`)).toBe(1);
    },
    { timeout: 10_000 },
  );
  expect(await takeMany(limiter, limits, 500)).toBe(300);
  expect(Number(await redis.hget(`orders:limit:${WEEK}:org:acme`, 'used'))).toBe(1000);
});
