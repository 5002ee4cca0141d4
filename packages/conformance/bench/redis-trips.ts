import { Redis } from 'ioredis';

/**
 * Scripts that this Redis has run. Both our limiter and the one it is compared with run one script for each round
 * trip; the commands inside a script would be counted as well, and so they are not looked at.
 */
export async function readRedisTrips(url: string | undefined): Promise<number> {
  if (url === undefined) return 0;
  const redis = new Redis(url);
  try {
    const stats = await redis.info('commandstats');
    return [...stats.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].reduce(
      (sum, [, calls]) => sum + Number(calls),
      0,
    );
  } finally {
    redis.disconnect();
  }
}
