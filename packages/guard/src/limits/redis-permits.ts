import { createHash } from 'node:crypto';
import type { Permits } from './permits.ts';

/** A Lua script over one key, so that it runs on a Cluster as it does on one server. */
export interface RedisScript {
  lua: string;
  /** SHA-1 of the script, for EVALSHA. */
  sha: string;
}

/** Runs a script over one key; knows what to do when the server has not seen it yet (NOSCRIPT). */
export type RunScript = (script: RedisScript, key: string, ...args: (string | number)[]) => Promise<unknown>;

/** What of an ioredis client, `Redis` or `Cluster`, the permits need. */
export interface RedisClient {
  evalsha(sha: string, keys: number, ...keysAndArgs: (string | number)[]): Promise<unknown>;
  eval(lua: string, keys: number, ...keysAndArgs: (string | number)[]): Promise<unknown>;
}

function script(lua: string): RedisScript {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/**
 * The hash holds the window's number and how many of its permits are out. After a failover the new master's clock may
 * be a little behind: then the window that was begun goes on, or its permits would be given out twice.
 *
 * ARGV: limit, seconds of the window, permits wanted, end of the window that the caller saw, permits it saw used.
 */
const LEASE = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local seconds = tonumber(ARGV[2])
local length = seconds * 1000
local window = math.floor(now / length)
local stored = redis.call('HMGET', KEYS[1], 'window', 'used')
local last = tonumber(stored[1])
local used = 0
if last == window or last == window + 1 then
  window = last
  used = tonumber(stored[2])
end
local ends_at = (window + 1) * seconds
if tonumber(ARGV[4]) == ends_at then used = math.max(used, tonumber(ARGV[5])) end
local granted = math.max(0, math.min(tonumber(ARGV[3]), tonumber(ARGV[1]) - used))
if granted > 0 then
  used = used + granted
  redis.call('HSET', KEYS[1], 'window', window, 'used', used)
  redis.call('PEXPIREAT', KEYS[1], ends_at * 1000 + 1000)
end
return { granted, used, ends_at * 1000 - now, ends_at }`);

/** A sorted set of members, each with the moment its word runs out. ARGV: member, seconds it is good for. */
const COUNT_MEMBERS = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2] * 1000, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], last[2])
return redis.call('ZCARD', KEYS[1])`);

/** Permits shared by all processes that use the same Redis and prefix. Every clock in it is Redis' own. */
export function createRedisPermits(run: RunScript, keyPrefix: string): Permits {
  return {
    async lease(key, { limit, windowSeconds, want, seen }) {
      const name = `${keyPrefix}limit:${windowSeconds}:${key}`;
      const { windowEndsAt: seenEnd, used: seenUsed } = seen ?? { windowEndsAt: 0, used: 0 };
      const reply = await run(LEASE, name, limit, windowSeconds, want, seenEnd, seenUsed);
      const [granted, used, windowEndsInMs, windowEndsAt] = toIntegers(reply, 4);
      return { granted, used, windowEndsInMs, windowEndsAt };
    },
    async countMembers(group, member, ttlSeconds) {
      const name = `${keyPrefix}members:${group}`;
      const [count] = toIntegers([await run(COUNT_MEMBERS, name, member, ttlSeconds)], 1);
      return count;
    },
  };
}

/** For services that bring an ioredis client: `createRedisPermits(fromRedisClient(redis), 'orders:')`. */
export function fromRedisClient(client: RedisClient): RunScript {
  return async ({ lua, sha }, key, ...args) => {
    try {
      return await client.evalsha(sha, 1, key, ...args);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return client.eval(lua, 1, key, ...args);
    }
  };
}

type Integers = [number, number, number, number];

function toIntegers(reply: unknown, count: number): Integers {
  const numbers = Array.isArray(reply) ? reply.map(Number) : [];
  if (numbers.length !== count || !numbers.every(Number.isSafeInteger))
    throw new TypeError('Redis answered a limit script with something else than integers');
  return numbers as Integers;
}
