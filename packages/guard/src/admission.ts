import { allowsAddress, isConfined } from './allowlists.ts';
import type { Holder, OrganizationTerms, Standing } from './holder.ts';
import { STRICT_TRANSPORT_SECURITY } from './https.ts';
import { formatLimitHeaders, retryAfterSeconds } from './limits/headers.ts';
import type { Limit, LimitDecision, RateLimiter } from './limits/limiter.ts';
import { createTermsFinder, type OrganizationLookup } from './organizations.ts';
import { countedAs, type Principal } from './principal.ts';
import type { Refuse } from './refuse.ts';
import type { GuardedRequest } from './request.ts';
import type { Route } from './route.ts';
import { holdsScopes } from './scopes.ts';

export interface Admission {
  readonly principal: Principal;
  /** For the answer, whatever it will be: where the limits stand, and HSTS. */
  readonly headers: Readonly<Record<string, string>>;
}

const HSTS = Object.freeze({ 'Strict-Transport-Security': STRICT_TRANSPORT_SECURITY });
const NOTHING = Object.freeze({});

/** @throws {GuardError}, or rejects; what else a port throws is the caller's to turn into one */
export type Admit = (holder: Holder, route: Route, request: GuardedRequest) => Admission | Promise<Admission>;

export interface AdmitDeps {
  organizations: OrganizationLookup | undefined;
  limiter: RateLimiter | undefined;
  addressOf: (request: GuardedRequest) => string | undefined;
  requireHttps: boolean;
  refuse: Refuse;
}

/** What follows once a credential is verified: organisation, allowlists, limits, scope. */
export function createAdmit(deps: AdmitDeps): Admit {
  const { limiter, addressOf, requireHttps, refuse } = deps;
  const findTerms = createTermsFinder(deps.organizations, refuse);
  const always = requireHttps ? HSTS : NOTHING;

  function admitUnder(
    terms: OrganizationTerms | undefined,
    holder: Holder,
    route: Route,
    request: GuardedRequest,
  ): Admission | Promise<Admission> {
    const standing = standingOf(holder, terms);
    if (isConfined(holder, standing, route) && !allowsAddress(holder, standing, route, addressOf(request))) {
      throw refuse('address_not_allowed', { principal: holder.principal });
    }
    if (limiter === undefined) return conclude(holder.principal, route, always);
    const decision = limiter.take(route.addLimit(standing.limits, holder.principal));
    return decision instanceof Promise
      ? decision.then((taken) => charge(taken, holder.principal, route))
      : charge(decision, holder.principal, route);
  }

  function charge(decision: LimitDecision, principal: Principal, route: Route): Admission {
    const headers = formatLimitHeaders(decision);
    if (requireHttps) headers['Strict-Transport-Security'] = STRICT_TRANSPORT_SECURITY;
    if (decision.allowed) return conclude(principal, route, headers);
    const retryAfter = String(retryAfterSeconds(decision));
    throw refuse('limit_exceeded', { principal, headers: { ...headers, 'Retry-After': retryAfter } });
  }

  function conclude(principal: Principal, { scopes }: Route, headers: Admission['headers']): Admission {
    if (holdsScopes(principal.scopes, scopes)) return { principal, headers };
    const missingScopes = scopes.filter((scope) => !principal.scopes.has(scope));
    throw refuse('scope_insufficient', { principal, scope: scopes.join(' '), missingScopes, headers });
  }

  return (holder, route, request) => {
    const terms = findTerms(holder);
    return terms instanceof Promise
      ? terms.then((found) => admitUnder(found, holder, route, request))
      : admitUnder(terms, holder, route, request);
  };
}

function standingOf(holder: Holder, terms: OrganizationTerms | undefined): Standing {
  const { standing } = holder;
  if (standing !== undefined && standing.terms === terms) return standing;
  holder.standing = { terms, limits: Object.freeze(limitsOf(holder, terms)), allowedAddress: undefined };
  return holder.standing;
}

/** Where neither an organisation nor the credential itself says how much: in a minute. */
const DEFAULT_REQUESTS = 1_000;

function limitsOf({ principal, requestsPerMinute }: Holder, terms: OrganizationTerms | undefined): Limit[] {
  const { organizationId, credentialId } = principal;
  const perMinute = (name: string, key: string, requests: number) => ({
    name,
    key,
    requests,
    windowSeconds: 60,
  });
  const limits: Limit[] = [];
  if (organizationId !== undefined && terms?.requestsPerMinute !== undefined) {
    limits.push(perMinute('organization', `org:${organizationId}`, terms.requestsPerMinute));
  }
  if (requestsPerMinute !== undefined) {
    limits.push(perMinute('api_key', `key:${credentialId}`, requestsPerMinute));
  }
  if (limits.length > 0) return limits;
  return [perMinute('credential', `credential:${countedAs(principal)}`, DEFAULT_REQUESTS)];
}
