import { type AddressList, createAddressList } from '@latchkey/protocol';
import { rememberAddresses } from './allowlists.ts';
import type { Limit } from './limits/limiter.ts';
import { refuseUnknown } from './options.ts';
import type { RoutePolicy } from './policy.ts';
import { type CredentialKind, countedAs, type Principal } from './principal.ts';

/** A policy in the form in which each request asks it. */
export interface Route {
  accepts(kind: CredentialKind): boolean;
  readonly scopes: readonly string[];
  readonly allowlist: AddressList | undefined;
  /** The credential's own limits, and the route's where it has one. The same list for the same list. */
  addLimit(limits: readonly Limit[], principal: Principal): readonly Limit[];
}

const MEMBERS: Readonly<Record<keyof RoutePolicy, true>> = {
  name: true,
  scope: true,
  credentials: true,
  limit: true,
  allowlist: true,
};

/** @throws {TypeError} or {RangeError} on a policy that cannot be kept: at the start, not at a request */
export function compilePolicy(policy: RoutePolicy): Route {
  refuseUnknown('the policy of a route', policy, MEMBERS);
  const { credentials, scope = [], allowlist } = policy;
  return {
    accepts: credentials === undefined ? () => true : (kind) => credentials.includes(kind),
    scopes: typeof scope === 'string' ? [scope] : [...scope],
    allowlist: allowlist && rememberAddresses(createAddressList(allowlist)),
    addLimit: policy.limit === undefined ? (limits) => limits : createLimitOf(policy.name, policy.limit),
  };
}

function createLimitOf(
  name: string | undefined,
  limit: NonNullable<RoutePolicy['limit']>,
): Route['addLimit'] {
  if (!name) throw new TypeError('a route with a limit needs a name to be counted under');
  const { requests, windowSeconds } = limit;
  for (const value of [requests, windowSeconds]) {
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`not a limit: ${value} (${name})`);
  }
  const known = new WeakMap<readonly Limit[], readonly Limit[]>();
  return (limits, principal) => {
    const same = known.get(limits);
    if (same !== undefined) return same;
    const key = `route:${name}:${countedAs(principal)}`;
    const extended = [...limits, { name: 'route', key, requests, windowSeconds }];
    known.set(limits, extended);
    return extended;
  };
}
