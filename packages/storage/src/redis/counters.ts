import type { Counters, Replays } from '../artifacts.ts';
import { createScript, type RedisConnection } from './connection.ts';

/** ARGV: seconds of the window. Answers the count and the milliseconds left. */
const INCREMENT = createScript(`
  local count = redis.call('INCR', KEYS[1])
  if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
  return { count, redis.call('PTTL', KEYS[1]) }`);

const PEEK = createScript(
  `return { tonumber(redis.call('GET', KEYS[1]) or 0), redis.call('PTTL', KEYS[1]) }`,
);

export function createRedisReplays(redis: RedisConnection, prefix: string): Replays {
  return {
    async claim(key, ttlSeconds) {
      const ttl = Math.max(1, Math.ceil(ttlSeconds));
      return (await redis.send('set', `${prefix}replay:${key}`, 1, 'EX', ttl, 'NX')) === 'OK';
    },
  };
}

export function createRedisCounters(redis: RedisConnection, prefix: string): Counters {
  const keyOf = (key: string) => `${prefix}counter:${key}`;
  return {
    async increment(key, windowSeconds) {
      return toCount(await redis.run(INCREMENT, keyOf(key), Math.max(1, Math.ceil(windowSeconds))));
    },
    peek: async (key) => toCount(await redis.run(PEEK, keyOf(key))),
    async reset(key) {
      await redis.send('del', keyOf(key));
    },
  };
}

function toCount(reply: unknown): { count: number; resetSeconds: number } {
  const [count, leftMs] = Array.isArray(reply) ? reply.map(Number) : [];
  return { count: count ?? 0, resetSeconds: Math.ceil(Math.max(0, leftMs ?? 0) / 1000) };
}
