import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';

/** The usual limiter beside the usual validators: each request is counted in Redis. */
export function createRedisLimiter(): RateLimiterRedis {
  const { REDIS_URL = '' } = process.env;
  return new RateLimiterRedis({
    storeClient: new Redis(REDIS_URL),
    keyPrefix: `bench-${process.pid}`,
    points: 100_000_000,
    duration: 60,
  });
}
