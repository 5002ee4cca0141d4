import type { RequestListener } from 'node:http';
import { createGuard, createKoaGuard, type Guard, type RevocationList } from '@latchkey/guard';
import { createPages } from '@latchkey/pages';
import {
  ASSETS_PATH,
  createTrustedProxies,
  type Health,
  installShell,
  type Logger,
  type Metrics,
  serveAssets,
} from '@latchkey/service';
import Koa from 'koa';
import type { ApiConfig } from './config.ts';
import { allowOrigins } from './cors.ts';
import { REFERENCE_PATH, serveDocumentation } from './documentation.ts';
import type { Idempotency } from './idempotency.ts';
import { BASE_PATH, type Route } from './route-table.ts';
import { serveRoutes } from './serve.ts';

export interface AppDeps {
  config: ApiConfig;
  routes: Route[];
  guard: Guard;
  idempotency: Idempotency;
  logger: Logger;
  metrics: Metrics;
  health: Health;
}

/** Every mount; `route-table.ts` has every route with its scope. */
export function createApp(deps: AppDeps): RequestListener {
  const { config, routes, guard, idempotency, logger, metrics, health } = deps;
  const app = new Koa();
  const pages = createPages({
    assetsPath: ASSETS_PATH,
    productName: config.productName ?? 'Latchkey',
    templateDirs: config.templateDirs ?? [],
  });
  const trustedProxies = createTrustedProxies(config.trustedProxies);
  installShell(app, { logger, metrics, health, trustedProxies });
  app.use(createKoaGuard(guard).metadata);
  app.use(serveAssets(pages));
  app.use(serveDocumentation(routes, config, pages));
  app.use(allowOrigins(BASE_PATH));
  app.use(serveRoutes(routes, guard, { origin: config.origin, idempotency }));
  return app.callback();
}

/** The guard of this API, for tokens of its issuer. */
export function createApiGuard(
  config: ApiConfig,
  routes: Route[],
  deps: { revocations: RevocationList; logger: Logger; now?: () => Date },
): Guard {
  const { now } = deps;
  return createGuard({
    issuer: config.issuer,
    audience: config.audience,
    ...(config.jwksUri ? { jwksUri: config.jwksUri } : {}),
    revocations: deps.revocations,
    metadata: {
      scopesSupported: [...new Set(routes.map(({ scope }) => scope))],
      name: `${config.productName ?? 'Latchkey'} API`,
      documentationUrl: `${config.origin}${REFERENCE_PATH}`,
    },
    onKeysFailure: (error) => deps.logger.warn({ err: error }, 'the issuer did not give its keys'),
    ...(now ? { now: () => now().getTime() } : {}),
  });
}
