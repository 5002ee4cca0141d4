import {
  formatLimitHeaders,
  type Limit,
  type LimitDecision,
  type RateLimiter,
  retryAfterSeconds,
} from '@latchkey/guard';
import { isId } from '@latchkey/protocol';
import { HttpError } from '@latchkey/service';
import { digestBearer } from '@latchkey/storage';
import type Koa from 'koa';
import { LRUCache } from 'lru-cache';
import { addressBlock } from '../accounts/client-address.ts';
import { findKeyInUrl } from '../api-keys/exposure.ts';
import type { RequestLimits } from '../config.ts';
import { claimedClientId } from '../provider/client-secrets.ts';
import { OWN_ROUTES, ROUTES } from '../provider/routes.ts';

/*
 * What one caller may ask of us in a minute, counted before anything is done for him.
 *
 * By address first: guessing, and filling the store with sign-ins that nobody finishes, are bounded whatever the
 * requests say of themselves. An address is what one connection is given (`addressBlock`); behind a gateway or in an
 * office it stands for many, so the numbers are large and can be set.
 *
 * Then, where programs call, by client and address together, so that one client's loop leaves the other clients behind
 * the same address their share. The client's name is what the request claims, proven by nothing yet. Counted by it
 * alone, anybody could use up a client's allowance by claiming to be it; with the address in the count he would have to
 * do so from the client's own. And what he claims costs at most as many counters as his address may send requests.
 */

const WINDOW_SECONDS = 60;

interface Group {
  name: 'token' | 'introspection' | 'sign-in';
  perAddress: number;
  /** Absent: people, not clients, call here. */
  perClient?: number;
}

export interface RequestLimiterDeps {
  limiter: RateLimiter;
  limits: RequestLimits;
}

/** To be mounted before a body is read. Says on every answer where the caller stands, once for both limits. */
export function limitByAddress({ limiter, limits }: RequestLimiterDeps): Koa.Middleware {
  const groupOf = createGroups(limits);
  const limitOf = createLimits('address');
  return async function limitedByAddress(ctx, next) {
    const group = groupOf(ctx);
    if (!group) return next();
    const limit = limitOf(`auth:${group.name}:${addressBlock(ctx.ip)}`, group.perAddress);
    const taken = limiter.take([limit]);
    const decision = taken instanceof Promise ? await taken : taken;
    ctx.state.limitGroup = group;
    ctx.state.limitDecision = decision;
    try {
      admit(ctx, decision);
      await next();
    } finally {
      ctx.set(formatLimitHeaders(ctx.state.limitDecision));
    }
  };
}

/** To be mounted after `readPostedForm`, and before anything is looked up. */
export function limitByClient({ limiter }: Pick<RequestLimiterDeps, 'limiter'>): Koa.Middleware {
  const limitOf = createLimits('client');
  return async function limitedByClient(ctx, next) {
    const { limitGroup: group, limitDecision: before, posted } = ctx.state;
    if (group?.perClient === undefined) return next();
    const clientId = claimedClientId(ctx.headers.authorization, posted);
    if (clientId === undefined) return next();
    const key = `auth:${group.name}:${addressBlock(ctx.ip)}:${nameOf(clientId)}`;
    const limit = limitOf(key, group.perClient);
    const taken = limiter.take([limit]);
    const { allowed, states, at } = taken instanceof Promise ? await taken : taken;
    const decision = { allowed, states: [...states, ...(before?.states ?? [])], at };
    ctx.state.limitDecision = decision;
    admit(ctx, decision);
    return next();
  };
}

/** Ids of our own making name clients as they are; what else is claimed may be long, or a secret in the wrong field. */
function nameOf(claimed: string): string {
  return isId('client', claimed) ? claimed : digestBearer(claimed).toString('base64url');
}

declare module 'koa' {
  interface DefaultState {
    /** What the request was counted against already. */
    limitGroup?: Group;
    limitDecision?: LimitDecision;
  }
}

/** The same object for the same caller: what is worked out for one is kept by it (`formatLimitHeaders`). */
function createLimits(name: string): (key: string, requests: number) => Limit {
  const kept = new LRUCache<string, Limit>({ max: 10_000 });
  return (key, requests) => {
    let limit = kept.get(key);
    if (limit === undefined) {
      limit = { name, key, requests, windowSeconds: WINDOW_SECONDS };
      kept.set(key, limit);
    }
    return limit;
  };
}

/**
 * For applications in a browser, which would see a broken connection instead of this answer and when to come back. The
 * library says which client's pages may read the others; here the client is not known yet, and there is nothing to hide.
 */
const READABLE_BY_PAGES = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'Retry-After, RateLimit, RateLimit-Policy',
};

/** @throws {HttpError} 429, which says when to come back */
function admit(ctx: Koa.Context, decision: LimitDecision): void {
  if (decision.allowed) return;
  const headers = {
    'Retry-After': String(retryAfterSeconds(decision)),
    ...(ctx.headers.origin !== undefined && READABLE_BY_PAGES),
  };
  throw new HttpError('too_many_requests', { headers });
}

function createGroups(limits: RequestLimits): (ctx: Koa.Context) => Group | undefined {
  const token: Group = { name: 'token', perAddress: limits.tokenPerAddress, perClient: limits.token };
  const introspection: Group = {
    name: 'introspection',
    perAddress: limits.introspectionPerAddress,
    perClient: limits.introspection,
  };
  const signIn: Group = { name: 'sign-in', perAddress: limits.signInPerAddress };
  const posted = new Map<string, Group>([
    [ROUTES.token, token],
    // Whoever may ask for tokens may give them back; and a report counts as little.
    [ROUTES.revocation, token],
    [OWN_ROUTES.leakedKeys, token],
    [ROUTES.introspection, introspection],
  ]);
  return (ctx) => {
    const { method, path } = ctx;
    if (method === 'POST') {
      const group = posted.get(path);
      if (group) return group;
    }
    if (SIGN_IN_PATHS.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))) return signIn;
    // Wherever it was sent: the key is looked up, to tell its owner.
    return findKeyInUrl(ctx) ? token : undefined;
  };
}

/** Where browsers go on their way in and out. Each request there can leave something behind in the store. */
const SIGN_IN_PATHS = [ROUTES.authorization, '/interaction', ROUTES.end_session];
