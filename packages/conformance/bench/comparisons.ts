import { startPostgres, startRedis } from '../../../infra/test/servers.ts';
import type { Comparison } from './compare.ts';
import type { Subject } from './subject-process.ts';

/** A comparison with whatever had to be started for it. */
export interface Prepared {
  comparison: Comparison;
  close(): Promise<void>;
}

const subject = (name: string, file: string, env: Record<string, string> = {}): Subject => ({
  name,
  module: new URL(`./subjects/${file}`, import.meta.url),
  env,
});

/** The library as it comes against the service as it is deployed, on one endpoint. */
async function prepareProvider(load: string, title: string): Promise<Prepared> {
  const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
  const env = { LOAD: load, POSTGRES_URL: postgres.url, REDIS_URL: redis.url };
  return {
    comparison: {
      title,
      baseline: subject('oidc-provider, in memory', 'bare-provider.ts', env),
      candidates: [subject('auth service, PostgreSQL + Redis', 'latchkey-auth.ts', env)],
      requestsPerRound: 4_000,
      rounds: 7,
      counted: { warmUp: 4_000, measured: 1_000 },
      target: { kind: 'rate', ratio: 0.8 },
    },
    close: async () => {
      await Promise.all([redis.stop(), postgres.stop()]);
    },
  };
}

/** All that stands before a route of the API, against nothing, beside what others put there. */
async function prepareDoor(): Promise<Prepared> {
  const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
  const env = { POSTGRES_URL: postgres.url, REDIS_URL: redis.url };
  return {
    comparison: {
      title: 'door: limit, revocation, allowlists and metering on each request, with PostgreSQL and Redis',
      baseline: subject('koa, unguarded', 'koa.ts'),
      candidates: [
        subject('koa + guard, JWT', 'latchkey-door.ts', { ...env, CREDENTIAL: 'token' }),
        subject('koa + guard, API key', 'latchkey-door.ts', { ...env, CREDENTIAL: 'api_key' }),
      ],
      others: [
        subject('koa-jwt + jwks-rsa + limiter', 'koa-jwt.ts', env),
        subject('express-oauth2-jwt-bearer + limiter', 'express-oauth2-jwt-bearer.ts', env),
        subject('@fastify/jwt with cache + limiter', 'fastify-jwt.ts', env),
      ],
      redisUrl: redis.url,
      requestsPerRound: 10_000,
      rounds: 7,
      counted: { warmUp: 4_000, measured: 2_000 },
      target: { kind: 'cost', ratio: 1.6, redisTrips: 0.1 },
    },
    close: async () => {
      await Promise.all([redis.stop(), postgres.stop()]);
    },
  };
}

export const comparisons: Record<string, () => Promise<Prepared>> = {
  guard: async () => ({
    comparison: {
      title: 'guard: a request with a JWT that has been seen before',
      baseline: subject('koa, unguarded', 'koa.ts'),
      candidates: [subject('koa + guard', 'koa-guarded.ts')],
      requestsPerRound: 20_000,
      rounds: 7,
      counted: { warmUp: 4_000, measured: 2_000 },
      target: { kind: 'cost', ratio: 1.5 },
    },
    close: async () => {},
  }),
  door: prepareDoor,
  token: () => prepareProvider('token', 'token: client credentials for a JWT signed with ES256'),
  introspect: () => prepareProvider('introspect', 'introspect: a resource server asks about a token'),
};
