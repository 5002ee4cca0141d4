import { type ProtectedResourceMetadata, protectedResourceMetadataUrl } from '@latchkey/protocol';
import { type Admission, type Admit, createAdmit } from './admission.ts';
import type { ApiKeyLookup } from './api-keys.ts';
import type { CacheBounds } from './cache.ts';
import { clientAddressOf, createProxies } from './client-address.ts';
import { GuardError } from './errors.ts';
import { findExposure } from './exposure.ts';
import { createExposureReport, type KeyExposure } from './exposure-report.ts';
import { isHttps } from './https.ts';
import { createIdentify, createVerifiers, type Identify } from './identification.ts';
import type { Introspection } from './introspection.ts';
import { createJwks, type Fetch, type Jwks } from './jwks.ts';
import type { Algorithm } from './keys.ts';
import type { RateLimiter } from './limits/limiter.ts';
import { refuseOddAddresses, refuseUnknown } from './options.ts';
import type { OrganizationLookup } from './organizations.ts';
import type { RoutePolicy } from './policy.ts';
import type { RefusalReason } from './refusals.ts';
import { createRefuse, type Refuse } from './refuse.ts';
import type { GuardedRequest } from './request.ts';
import type { RevocationList } from './revocations.ts';
import { compilePolicy } from './route.ts';
import type { ValidationRules } from './validate.ts';

export interface GuardOptions {
  /** Identifier of the authorization server, exactly as its tokens say it. */
  issuer: string;
  /** This resource server's identifier (RFC 8707): what `aud` must contain. */
  audience: string;
  /** Default: `/.well-known/jwks.json` under the issuer. */
  jwksUri?: string;
  /** Default: ES256, EdDSA and RS256. */
  algorithms?: readonly Algorithm[];
  /** How far the issuer's clock may be ahead of ours. Default 5. */
  clockToleranceSeconds?: number;
  /**
   * `local`, the default: JWTs are validated here, and opaque tokens asked about where there is `introspection`.
   * `introspection`: every token is asked about.
   */
  tokens?: 'local' | 'introspection';
  /** Looks API keys up here. Without it they are asked about where there is `introspection`, and refused elsewhere. */
  apiKeys?: ApiKeyLookup;
  introspection?: Introspection;
  /** Without it a token lives until it expires. */
  revocations?: RevocationList;
  /** Without it an organisation's limit is its plan's, as far as the credential tells. */
  organizations?: OrganizationLookup;
  /** Without it nothing is limited, and a route may not have a `limit`. */
  limiter?: RateLimiter;
  /** Default: true, unless `audience` begins with `http:`. */
  requireHttps?: boolean;
  /** Addresses and CIDR ranges whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. Default: nobody's. */
  trustedProxies?: readonly string[];
  /** Told of real API keys that came in a URL, though such requests are refused. Default: nothing. */
  onExposure?: (exposure: KeyExposure) => void;
  /** Bounds of what is remembered. Default: 20,000 tokens, 64 MiB; 400,000 API keys, 512 MiB. */
  cache?: { tokens?: CacheBounds; apiKeys?: CacheBounds };
  /** What the metadata document says besides identifiers (RFC 9728 §2). */
  metadata?: { scopesSupported?: readonly string[]; name?: string; documentationUrl?: string };
  /** Told when the issuer's keys cannot be fetched. Default: nothing. */
  onKeysFailure?: (error: unknown) => void;
  /** For the issuer's keys. Default: the platform's. */
  fetch?: Fetch;
  /** Epoch milliseconds. Default: `Date.now`. */
  now?: () => number;
}

export interface Guard {
  /**
   * The check for routes with this policy, made once, asked for each request. A credential that was seen before is
   * answered without a promise.
   * @throws {TypeError} or {RangeError} on a policy that cannot be kept; the check throws GuardError, or rejects with
   * it, and nothing else
   */
  protect(policy?: RoutePolicy): (request: GuardedRequest) => Admission | Promise<Admission>;
  /** For what is answered before any route, a 404 say. @throws {GuardError} on plain http, and on a credential in the URL */
  inspect(request: GuardedRequest): void;
  /** An error with this guard's challenge, for adapters. */
  refuse(reason: RefusalReason): GuardError;
  /** RFC 9728 §3.2, served at `metadataPath`. */
  readonly metadata: ProtectedResourceMetadata;
  readonly metadataPath: string;
  /** Fetches the issuer's keys now, for instance because it announced new ones. False when that failed. */
  refreshKeys(): Promise<boolean>;
}

const OPTIONS: Readonly<Record<keyof GuardOptions, true>> = {
  ...{ issuer: true, audience: true, jwksUri: true, algorithms: true, clockToleranceSeconds: true },
  ...{ tokens: true, apiKeys: true, introspection: true, revocations: true, organizations: true },
  ...{ limiter: true, requireHttps: true, trustedProxies: true, onExposure: true, cache: true },
  ...{ metadata: true, onKeysFailure: true, fetch: true, now: true },
};

/** @throws {TypeError} on options that it does not know, and on addresses that cannot be right */
export function createGuard(options: GuardOptions): Guard {
  refuseUnknown('a guard', options, OPTIONS);
  refuseOddAddresses(options);
  const { audience, now = Date.now, tokens = 'local', cache = {} } = options;
  const { apiKeys, introspection, revocations, organizations, limiter } = options;
  const requireHttps = options.requireHttps ?? !audience.startsWith('http:');
  const proxies = createProxies(options.trustedProxies ?? []);
  const resourceMetadataUrl = protectedResourceMetadataUrl(audience);
  const refuse = createRefuse(resourceMetadataUrl, requireHttps);
  const rules = rulesOf(options);
  const jwks = jwksOf(options, rules.algorithms, now);
  const verifiers = createVerifiers({
    ...{ tokens, apiKeys, introspection, revocations },
    ...{ rules, jwks, cache, refuse, now },
  });
  const addressOf = (request: GuardedRequest) => clientAddressOf(request, proxies);
  const report = createExposureReport(verifiers, options.onExposure);

  function inspect(request: GuardedRequest): void {
    if (requireHttps && !isHttps(request, proxies)) throw refuse('https_required');
    const exposure = findExposure(request.path, request.query);
    if (exposure === undefined) return;
    report(exposure, { address: addressOf(request), requestId: request.requestId });
    throw refuse(exposure.reason);
  }

  const identify = createIdentify(verifiers, refuse);
  const admit = createAdmit({ organizations, limiter, addressOf, requireHttps, refuse });
  return {
    protect: createProtect({ inspect, identify, admit, refuse, limiter }),
    inspect,
    refuse: (reason) => refuse(reason),
    metadata: describeResource(options),
    metadataPath: new URL(resourceMetadataUrl).pathname,
    refreshKeys: jwks.refresh,
  };
}

interface Steps {
  inspect(request: GuardedRequest): void;
  identify: Identify;
  admit: Admit;
  refuse: Refuse;
  limiter: RateLimiter | undefined;
}

function createProtect({ inspect, identify, admit, refuse, limiter }: Steps): Guard['protect'] {
  /** Ports are the service's own code: what they throw is an outage, never an answer. */
  const explain = (error: unknown): GuardError =>
    error instanceof GuardError ? error : refuse('credential_unavailable', { cause: error });
  const reject = (error: unknown): never => {
    throw explain(error);
  };
  return (policy = {}) => {
    const route = compilePolicy(policy);
    if (policy.limit && !limiter)
      throw new TypeError('a limit needs the limiter of the guard: nothing counts it');
    return (request) => {
      try {
        inspect(request);
        const holder = identify(request, route);
        const admission =
          holder instanceof Promise
            ? holder.then((verified) => admit(verified, route, request))
            : admit(holder, route, request);
        return admission instanceof Promise ? admission.catch(reject) : admission;
      } catch (error) {
        throw explain(error);
      }
    };
  };
}

function rulesOf(options: GuardOptions): ValidationRules {
  const { issuer, audience, algorithms = ['ES256', 'EdDSA', 'RS256'], clockToleranceSeconds = 5 } = options;
  return { issuer, audience, algorithms, clockToleranceSeconds };
}

function jwksOf(options: GuardOptions, algorithms: readonly Algorithm[], now: () => number): Jwks {
  const uri = options.jwksUri ?? `${options.issuer}/.well-known/jwks.json`;
  const onFailure = options.onKeysFailure ?? (() => {});
  return createJwks({ uri, algorithms, fetch: options.fetch ?? fetch, now, onFailure });
}

function describeResource(options: GuardOptions): ProtectedResourceMetadata {
  const { scopesSupported = [], name, documentationUrl } = options.metadata ?? {};
  return Object.freeze({
    resource: options.audience,
    authorization_servers: [options.issuer],
    scopes_supported: [...scopesSupported],
    bearer_methods_supported: ['header'] as const,
    ...(name ? { resource_name: name } : {}),
    ...(documentationUrl ? { resource_documentation: documentationUrl } : {}),
  });
}
