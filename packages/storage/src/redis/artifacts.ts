import type { Artifact, ArtifactKind, Artifacts } from '../artifacts.ts';
import { digestBearer } from '../digest.ts';
import { createScript, type RedisConnection } from './connection.ts';

/** Leaves `consumedAt` as it is. ARGV: payload, seconds to live. */
const PUT = createScript(`
  redis.call('HSET', KEYS[1], 'payload', ARGV[1])
  return redis.call('EXPIRE', KEYS[1], ARGV[2])`);

/** ARGV: the instant. HSETNX alone would make a key of what is gone. */
const CONSUME = createScript(`
  if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
  return redis.call('HSETNX', KEYS[1], 'consumedAt', ARGV[1])`);

/**
 * Members by the second after which they are of no use, and none kept beyond it, so that a grant that gets a token
 * every hour for months stays small. ARGV: member, seconds to live.
 */
const ADD_TO_INDEX = createScript(`
  local now = tonumber(redis.call('TIME')[1])
  local ttl = tonumber(ARGV[2]) + 1
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  redis.call('ZADD', KEYS[1], now + ttl, ARGV[1])
  if redis.call('TTL', KEYS[1]) < ttl then redis.call('EXPIRE', KEYS[1], ttl) end
  return 1`);

export function createRedisArtifacts(redis: RedisConnection, prefix: string): Artifacts {
  const keyOf = (kind: ArtifactKind, digest: string) => `${prefix}${kind}:${digest}`;
  const indexOf = (kind: ArtifactKind, index: string, value: string) => `${prefix}${kind}:${index}:${value}`;
  const findByDigest = async (kind: ArtifactKind, digest: string): Promise<Artifact | undefined> => {
    const fields = await redis.send('hmget', keyOf(kind, digest), 'payload', 'consumedAt');
    return toArtifact(fields);
  };
  const findByIndex = async (kind: ArtifactKind, index: string, value: string) => {
    const digest = await redis.send('get', indexOf(kind, index, digestOf(value)));
    return typeof digest === 'string' ? findByDigest(kind, digest) : undefined;
  };
  return {
    async put(kind, value, payload, ttlSeconds, { grantId, uid, userCode } = {}) {
      const digest = digestOf(value);
      const ttl = Math.max(1, Math.ceil(ttlSeconds));
      const pointer = (index: string, name: string) =>
        redis.send('set', indexOf(kind, index, digestOf(name)), digest, 'EX', ttl);
      await Promise.all([
        grantId !== undefined && redis.run(ADD_TO_INDEX, indexOf(kind, 'grant', grantId), digest, ttl),
        uid !== undefined && pointer('uid', uid),
        userCode !== undefined && pointer('userCode', userCode),
        redis.run(PUT, keyOf(kind, digest), JSON.stringify(payload), ttl),
      ]);
    },
    find: (kind, value) => findByDigest(kind, digestOf(value)),
    findByUid: (kind, uid) => findByIndex(kind, 'uid', uid),
    findByUserCode: (kind, userCode) => findByIndex(kind, 'userCode', userCode),
    async consume(kind, value) {
      return (await redis.run(CONSUME, keyOf(kind, digestOf(value)), new Date().toISOString())) === 1;
    },
    async delete(kind, value) {
      await redis.send('del', keyOf(kind, digestOf(value)));
    },
    async deleteByGrant(kind, grantId) {
      const index = indexOf(kind, 'grant', grantId);
      const members = await redis.send('zrange', index, 0, -1);
      const digests = Array.isArray(members) ? members.map(String) : [];
      await Promise.all(digests.map((digest) => redis.send('del', keyOf(kind, digest))));
      // Only what was deleted: an artifact put meanwhile stays in the index.
      if (digests.length > 0) await redis.send('zrem', index, ...digests);
    },
  };
}

function digestOf(value: string): string {
  return digestBearer(value).toString('base64url');
}

function toArtifact(fields: unknown): Artifact | undefined {
  if (!Array.isArray(fields)) return undefined;
  const [payload, consumedAt] = fields;
  if (typeof payload !== 'string') return undefined;
  return {
    payload: JSON.parse(payload),
    consumedAt: typeof consumedAt === 'string' ? new Date(consumedAt) : null,
  };
}
