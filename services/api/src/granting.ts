import { isIP } from 'node:net';
import type { Principal } from '@latchkey/guard';
import {
  createAddressList,
  type Environment,
  formatChallenge,
  formatScope,
  OIDC_SCOPES,
} from '@latchkey/protocol';
import { DEFAULT_API_KEY_SCOPES, missingScopes } from '@latchkey/registry';
import { HttpError } from '@latchkey/service';
import type { ApiKey, Tenant } from '@latchkey/storage';

/*
 * Whoever makes a credential, changes it or is handed a new secret of it can use it from then on, or let somebody
 * else. So nobody does that to a credential that may do more than they may themselves. To end one is everybody's who
 * may manage credentials at all: that takes authority away and gives none.
 */

/** Environments whose keys and applications a credential manages. */
export function environmentsOf({ environment }: Tenant): readonly Environment[] {
  return environment === 'live' ? ['live', 'test'] : ['test'];
}

/** The one that is asked for; the credential's own where none is. @throws {HttpError} 403 for one out of its reach */
export function environmentFor(tenant: Tenant, asked: Environment = tenant.environment): Environment {
  if (environmentsOf(tenant).includes(asked)) return asked;
  throw new HttpError('forbidden', { description: 'A test credential reaches the test environment alone' });
}

/** @throws {HttpError} 403 that names what the credential, or the role of the person behind it, lacks */
export function requireHeld(principal: Principal, scopes: Iterable<string>): void {
  const missing = missingOf(principal, scopes);
  if (missing.length > 0) throw refuseMissing('You can only give scopes that you hold; missing', missing);
}

/** What routes ask of access tokens alone. */
export const TOKENS_ALONE: ReadonlySet<string> = new Set(['organization:write']);

/**
 * An application gets access tokens. So an API key gives it nothing that keys cannot use: it would do by way of the
 * application what is kept from it.
 * @throws {HttpError} 403
 */
export function requireHeldForApplication(principal: Principal, scopes: Iterable<string>): void {
  const wanted = [...scopes];
  requireHeld(principal, wanted);
  if (principal.apiKeyId === undefined) return;
  const refused = wanted.filter((scope) => TOKENS_ALONE.has(scope));
  if (refused.length > 0) throw refuseWider(`${formatScope(refused)} is for access tokens alone`);
}

/** The published default, as far as the credential holds it. @throws {HttpError} 403 when it holds none of it */
export function heldDefaults(principal: Principal): string[] {
  const missing = missingOf(principal, DEFAULT_API_KEY_SCOPES);
  const held = DEFAULT_API_KEY_SCOPES.filter((scope) => !missing.includes(scope));
  if (held.length > 0) return held;
  throw refuseMissing('Name the scopes to give: you hold none of the default ones', missing);
}

/**
 * Scopes of OpenID Connect are about the person who signs in, and theirs to consent to. A person whose role this
 * release does not know gives nothing.
 */
function missingOf(principal: Principal, scopes: Iterable<string>): string[] {
  const wanted = [...scopes].filter((scope) => !Object.hasOwn(OIDC_SCOPES, scope));
  if (principal.kind === 'user' && principal.role === undefined) return wanted;
  return missingScopes(wanted, principal);
}

function refuseMissing(message: string, missing: string[]): HttpError {
  const scope = formatScope(missing);
  const challenge = formatChallenge('Bearer', {
    error: 'insufficient_scope',
    error_description: message,
    scope,
  });
  return new HttpError('insufficient_scope', {
    description: `${message}: ${scope}`,
    headers: { 'WWW-Authenticate': challenge },
  });
}

/** Where, how long and how much a credential may be used. */
export type Bounds = Pick<ApiKey, 'ipAllowlist' | 'expiresAt' | 'rateLimit'>;

/** @throws {HttpError} 403 where a credential could be used elsewhere, longer or more often than the one that asks */
export function requireWithin({ ipAllowlist, expiresAt, rateLimit }: Bounds, wanted: Bounds): void {
  const ranges = wanted.ipAllowlist;
  if (ipAllowlist.length > 0 && (ranges.length === 0 || !ranges.every((range) => lies(range, ipAllowlist)))) {
    throw refuseWider('ip_allowlist must lie within its own');
  }
  if (expiresAt && (!wanted.expiresAt || wanted.expiresAt > expiresAt)) {
    throw refuseWider('expires_at must not be later than its own');
  }
  if (rateLimit !== null && (wanted.rateLimit === null || wanted.rateLimit > rateLimit)) {
    throw refuseWider('rate_limit must not be higher than its own');
  }
}

/** A renewed expiry as the key that asks may give it: no later than its own. */
export function latestWithin({ expiresAt }: Bounds, wanted: Date | null): Date | null {
  return expiresAt && (!wanted || wanted > expiresAt) ? expiresAt : wanted;
}

/** @throws {HttpError} 403 for a key with bounds of its own: what applications get has none */
export function requireUnbounded({ ipAllowlist, expiresAt, rateLimit }: Bounds): void {
  if (ipAllowlist.length === 0 && expiresAt === null && rateLimit === null) return;
  throw refuseWider('applications have no allowlist, expiry or limit of their own');
}

function refuseWider(rule: string): HttpError {
  return new HttpError('forbidden', { description: `An API key cannot give more than it has: ${rule}` });
}

/**
 * Whether one of the ranges holds the whole of this one. Doubtful cases count as outside: a range that only several
 * together hold, and IPv4 written as IPv6 beside plain IPv4, whose prefixes do not compare.
 */
function lies(range: string, within: readonly string[]): boolean {
  const inner = parse(range);
  return within.some((text) => {
    const outer = parse(text);
    const comparable = outer.family === inner.family && outer.bits <= inner.bits;
    return comparable && createAddressList([text]).includes(inner.address);
  });
}

function parse(range: string): { address: string; family: number; bits: number } {
  const [address = '', prefix] = range.split('/');
  const family = isIP(address);
  return { address, family, bits: prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix) };
}
