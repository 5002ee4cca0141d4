import { Redis } from 'ioredis';

/** Makes every key with the prefix older, since Redis's own clock cannot be moved. */
export async function elapseInRedis(url: string, prefix: string, seconds: number): Promise<void> {
  const redis = new Redis(url);
  try {
    for (const key of await redis.keys(`${prefix}*`)) {
      const leftMs = await redis.pttl(key);
      // -1: a key without an end, such as the stream.
      if (leftMs >= 0) await redis.pexpire(key, Math.max(0, leftMs - seconds * 1000));
    }
  } finally {
    redis.disconnect();
  }
}
