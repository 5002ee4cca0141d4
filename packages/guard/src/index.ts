export type { ApiKeyLookup, ApiKeyRecord } from './api-keys.ts';
export { GuardError, REFUSALS, type RefusalReason } from './errors.ts';
export { createGuard, type Guard, type GuardOptions } from './guard.ts';
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
export type { Limit, LimitDecision, LimitState, RateLimiter } from './limits/limiter.ts';
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
export type { OrganizationLookup, OrganizationPolicy } from './organizations.ts';
export type { CredentialKind, Principal } from './principal.ts';
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
