export { type AddressList, createAddressList, type Environment, type ParsedApiKey } from '@latchkey/protocol';
export type { Admission } from './admission.ts';
export type { ApiKeyLookup, ApiKeyRecord } from './api-keys.ts';
export type { CacheBounds } from './cache.ts';
export { GuardError } from './errors.ts';
export type { KeyExposure } from './exposure-report.ts';
export {
  createExpressGuard,
  type ExpressGuard,
  type ExpressGuardOptions,
  type ExpressHandler,
  type ExpressRequest,
} from './express.ts';
export {
  createFastifyGuard,
  type FastifyGuard,
  type FastifyGuardOptions,
  type FastifyHook,
  type FastifyReply,
  type FastifyRequest,
} from './fastify.ts';
export {
  type ConnectionInfo,
  createFetchGuard,
  type FetchGuard,
  type FetchGuardOptions,
  type FetchHandler,
} from './fetch.ts';
export { createGuard, type Guard, type GuardOptions } from './guard.ts';
export {
  createIntrospection,
  type Introspection,
  type IntrospectionAnswer,
  type IntrospectionOptions,
} from './introspection.ts';
export type { Fetch } from './jwks.ts';
export { ALGORITHMS, type Algorithm } from './keys.ts';
export {
  createKoaGuard,
  type KoaContext,
  type KoaGuard,
  type KoaGuardOptions,
  type KoaMiddleware,
} from './koa.ts';
export { formatLimitHeaders, retryAfterSeconds } from './limits/headers.ts';
export {
  createRateLimiter,
  type Limit,
  type LimitDecision,
  type LimitState,
  type RateLimiter,
  type RateLimiterOptions,
} from './limits/limiter.ts';
export {
  createMemoryPermits,
  createRedisPermits,
  fromRedisClient,
  type Lease,
  type LeaseRequest,
  type Permits,
  type RedisClient,
  type RedisScript,
  type RunScript,
} from './limits/permits.ts';
export { readNodeRequest } from './node-request.ts';
export type { OrganizationLookup, OrganizationPolicy } from './organizations.ts';
export type { RoutePolicy } from './policy.ts';
export type { CredentialKind, Principal } from './principal.ts';
export { REFUSALS, type RefusalReason } from './refusals.ts';
export type { GuardedRequest } from './request.ts';
export {
  createRevocationFollower,
  type FeedEvent,
  type FeedHandlers,
  type RevocationFeed,
  type RevocationFollower,
  type RevocationFollowerOptions,
  type RevocationRecord,
} from './revocation-follower.ts';
export {
  createRevocationSet,
  type Revocation,
  type RevocationList,
  type RevocationSet,
} from './revocations.ts';
