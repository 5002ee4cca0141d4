/** Ports for tests, in memory: what a service would bring along. */
import { type AddressList, createAddressList, mintApiKey, type ParsedApiKey } from '@latchkey/protocol';
import type {
  ApiKeyLookup,
  ApiKeyRecord,
  Limit,
  LimitDecision,
  OrganizationLookup,
  OrganizationPolicy,
  RateLimiter,
} from '../src/index.ts';

/** A key that exists, and the header that brings it. */
export interface IssuedKey extends ParsedApiKey {
  key: string;
  authorization: string;
}

export function mint(environment: 'live' | 'test' = 'live'): IssuedKey {
  const minted = mintApiKey(environment);
  return { ...minted, authorization: `Bearer ${minted.key}` };
}

export interface TestLookup extends ApiKeyLookup {
  records: Map<string, ApiKeyRecord>;
  /** Answers with a promise while true. */
  slow: boolean;
  /** Thrown by every look-up. */
  failure: Error | undefined;
  accepting: boolean;
  verified: number;
  asked: number;
  issue(changes?: Partial<ApiKeyRecord>): IssuedKey;
  change(key: ParsedApiKey, changes: Partial<ApiKeyRecord>): void;
}

export function createLookup(): TestLookup {
  const secrets = new Map<string, string>();
  const lookup: TestLookup = {
    records: new Map(),
    slow: false,
    failure: undefined,
    accepting: true,
    verified: 0,
    asked: 0,
    accepted: () => lookup.accepting,
    find(id) {
      lookup.asked += 1;
      if (lookup.slow)
        return lookup.failure ? Promise.reject(lookup.failure) : Promise.resolve(lookup.records.get(id));
      if (lookup.failure) throw lookup.failure;
      return lookup.records.get(id);
    },
    verify(record, { secret }) {
      lookup.verified += 1;
      return secrets.get(record.id) === secret;
    },
    issue(changes) {
      const key = mint(changes?.environment);
      secrets.set(key.id, key.secret);
      lookup.records.set(key.id, recordOf(key, changes));
      return key;
    },
    change(key, changes) {
      const before = lookup.records.get(key.id) ?? recordOf(key);
      lookup.records.set(key.id, { ...before, ...changes });
    },
  };
  return lookup;
}

function recordOf(key: ParsedApiKey, changes: Partial<ApiKeyRecord> = {}): ApiKeyRecord {
  return {
    id: key.id,
    organizationId: 'org_1',
    environment: key.environment,
    scopes: new Set(['orders:read']),
    allowlist: undefined,
    requestsPerMinute: undefined,
    expiresAt: undefined,
    revoked: false,
    ...changes,
  };
}

export interface TestOrganizations extends OrganizationLookup {
  policies: Map<string, OrganizationPolicy>;
  slow: boolean;
  failure: Error | undefined;
  set(id: string, policy: Partial<OrganizationPolicy>): void;
}

export function createOrganizations(): TestOrganizations {
  const organizations: TestOrganizations = {
    policies: new Map(),
    slow: false,
    failure: undefined,
    set(id, policy) {
      organizations.policies.set(id, {
        disabled: false,
        requestsPerMinute: 500,
        allowlist: undefined,
        ...policy,
      });
    },
    find(id) {
      if (organizations.failure) return Promise.reject(organizations.failure);
      const policy = organizations.policies.get(id);
      return organizations.slow ? Promise.resolve(policy) : policy;
    },
  };
  organizations.set('org_1', {});
  return organizations;
}

/** Counts forever: no window of its ever ends. */
export interface TestLimiter extends RateLimiter {
  taken: (readonly Limit[])[];
  slow: boolean;
  failure: Error | undefined;
}

export const WINDOW_END = 1_800_000_030;
/** At each decision, by the limiter's clock, whatever the guard's says. */
export const SECONDS_LEFT = 12.5;

export function createLimiter(): TestLimiter {
  const used = new Map<string, number>();
  const decide = (limits: readonly Limit[]): LimitDecision => {
    const allowed = limits.every(({ key, requests }) => (used.get(key) ?? 0) < requests);
    const states = limits.map((limit) => {
      const count = (used.get(limit.key) ?? 0) + (allowed ? 1 : 0);
      used.set(limit.key, count);
      return { limit, remaining: limit.requests - count, resetAt: WINDOW_END };
    });
    return { allowed, states, at: (WINDOW_END - SECONDS_LEFT) * 1000 };
  };
  const limiter: TestLimiter = {
    taken: [],
    slow: false,
    failure: undefined,
    take(limits) {
      limiter.taken.push(limits);
      if (limiter.failure) return Promise.reject(limiter.failure);
      return limiter.slow ? Promise.resolve(decide(limits)) : decide(limits);
    },
    close() {},
  };
  return limiter;
}

export const only = (...ranges: string[]): AddressList => createAddressList(ranges);
