import type { RequestListener } from 'node:http';
import type { RateLimiter } from '@latchkey/guard';
import {
  createTrustedProxies,
  type Health,
  installShell,
  type Metrics,
  serveAssets,
} from '@latchkey/service';
import type Koa from 'koa';
import type { PresentedApiKeys } from './api-keys/api-keys.ts';
import { refuseKeysInUrl } from './api-keys/exposure.ts';
import { createIntrospectApiKey } from './api-keys/introspection.ts';
import { createRevokeApiKey, revokeApiKeyDirectly } from './api-keys/revocation.ts';
import { limitsOf } from './config.ts';
import { serveHome } from './home.ts';
import { createErrorPage } from './interaction/error-page.ts';
import { createInteractionRoutes } from './interaction/routes.ts';
import { receiveLeakedKeys } from './leaks/receiver.ts';
import type { ReporterKeys } from './leaks/reporter-keys.ts';
import { limitByAddress, limitByClient } from './limits/request-limits.ts';
import type { OperatorFor } from './operator.ts';
import { answerInJson, finishAnswers } from './provider/answers.ts';
import { createFindBySecret } from './provider/client-secrets.ts';
import { createProvider, type ProviderDeps } from './provider/create-provider.ts';
import { describeServer } from './provider/discovery.ts';
import { exactPaths } from './provider/exact-paths.ts';
import { pinHost } from './provider/host.ts';
import { requireHttps } from './provider/https.ts';
import {
  createIntrospect,
  createIntrospectJwt,
  introspectAfterLibrary,
  introspectDirectly,
  tellTerms,
} from './provider/introspection.ts';
import { serveJwks } from './provider/jwks.ts';
import type { KeySet } from './provider/keys.ts';
import { handOverForm, readPostedForm } from './provider/posted-form.ts';
import { redirectPosted } from './provider/posted-requests.ts';
import { restoreUnanswered } from './provider/refresh-tokens.ts';
import { limitQuery } from './provider/request-length.ts';
import { createRevocation, untypedRevocation } from './provider/revocation.ts';
import { PROGRAM_ROUTES, ROUTES } from './provider/routes.ts';

export interface AppDeps extends ProviderDeps {
  metrics: Metrics;
  health: Health;
  apiKeys: PresentedApiKeys;
  operatorFor: OperatorFor;
  limiter: RateLimiter;
  /** Absent: reports of leaked keys are not taken. */
  reporterKeys?: ReporterKeys;
}

/** Every mount. The provider is the Koa application; what it does not answer itself stands before it. */
export function createApp(deps: AppDeps, keySet: KeySet): RequestListener {
  const { config, pages, keyRing, directory, now } = deps;
  const provider = createProvider(deps, keySet);
  const introspect = createIntrospect({
    jwt: createIntrospectJwt({ ...deps, policy: deps.tokenPolicy }),
    apiKey: createIntrospectApiKey({ ...deps, issuer: config.issuer }),
  });
  const requestLimits = { limiter: deps.limiter, limits: limitsOf(config) };
  const revokeApiKey = createRevokeApiKey(deps);
  const findBySecret = createFindBySecret(directory, { pepper: config.pepper, now });
  installShell(provider, {
    ...deps,
    trustedProxies: createTrustedProxies(config.trustedProxies),
    renderErrorPage: createErrorPage(pages, config.issuer),
  });
  provider.use(answerInJson(PROGRAM_ROUTES));
  provider.use(requireHttps(config.issuer, JWKS_PATHS));
  provider.use(limitByAddress(requestLimits));
  provider.use(refuseKeysInUrl(deps));
  provider.use(serveAssets(pages));
  // The key set names no URL: resource servers may fetch it by an address inside the network.
  provider.use(serveJwks(keyRing, JWKS_PATHS));
  provider.use(pinHost(config.issuer));
  provider.use(exactPaths());
  provider.use(readPostedForm());
  provider.use(limitByClient(requestLimits));
  provider.use(introspectDirectly(introspect, findBySecret));
  provider.use(revokeApiKeyDirectly(revokeApiKey));
  if (deps.reporterKeys) {
    provider.use(receiveLeakedKeys({ ...deps, reporterKeys: deps.reporterKeys }));
  }
  provider.use(serveHome(pages, config.issuer));
  provider.use(limitQuery(PAGES_ASKED_FOR));
  provider.use(redirectPosted(PAGES_ASKED_FOR));
  provider.use(under(INTERACTION_PATHS, createInteractionRoutes({ ...deps, provider })));
  provider.use(nameRoute());
  provider.use(finishAnswers(config.issuer));
  provider.use(describeServer(directory));
  provider.use(untypedRevocation(ROUTES.revocation));
  provider.use(introspectAfterLibrary(introspect));
  provider.use(tellTerms);
  provider.use(createRevocation({ ...deps, revokeApiKey }));
  provider.use(deps.codeRedemption.markAnswered);
  provider.use(restoreUnanswered(deps));
  provider.use(handOverForm());
  return provider.callback();
}

const JWKS_PATHS = [ROUTES.jwks, '/.well-known/jwks.json'];

/** Where applications send people. */
const PAGES_ASKED_FOR = [ROUTES.authorization, ROUTES.end_session];

/** Our own pages, and the library's steps that browsers pass before and after them. */
const INTERACTION_PATHS = ['/interaction/', `${ROUTES.authorization}/`, ROUTES.end_session];

/** Runs a middleware under these paths; requests for anything else do not pay for it. */
function under<S, C>(prefixes: readonly string[], middleware: Koa.Middleware<S, C>): Koa.Middleware<S, C> {
  return (ctx, next) =>
    prefixes.some((prefix) => ctx.path.startsWith(prefix)) ? middleware(ctx, next) : next();
}

/** For metrics: the template of whatever route the library matched. */
function nameRoute(): Koa.Middleware {
  return async function named(ctx, next) {
    await next();
    if (typeof ctx._matchedRoute === 'string') ctx.state.route ??= ctx._matchedRoute;
  };
}
