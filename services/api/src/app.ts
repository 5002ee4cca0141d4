import type { RequestListener } from 'node:http';
import { createKoaGuard, type Guard } from '@latchkey/guard';
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
import { serveDocumentation } from './documentation.ts';
import type { Idempotency } from './idempotency.ts';
import type { Metering } from './metering/metering.ts';
import { BASE_PATH, type Route } from './route-table.ts';
import { refuseExposed, serveRoutes } from './serve.ts';

export interface AppDeps {
  config: ApiConfig;
  routes: Route[];
  guard: Guard;
  idempotency: Idempotency;
  metering: Pick<Metering, 'count'>;
  logger: Logger;
  metrics: Metrics;
  health: Health;
}

/** Every mount; `route-table.ts` has every route with its scope. */
export function createApp(deps: AppDeps): RequestListener {
  const { config, routes, guard, idempotency, metering, logger, metrics, health } = deps;
  const app = new Koa();
  const pages = createPages({
    assetsPath: ASSETS_PATH,
    productName: config.productName ?? 'Latchkey',
    templateDirs: config.templateDirs ?? [],
  });
  const trustedProxies = createTrustedProxies(config.trustedProxies);
  installShell(app, { logger, metrics, health, trustedProxies });
  app.use(refuseExposed(guard));
  app.use(createKoaGuard(guard).metadata);
  app.use(serveAssets(pages));
  app.use(serveDocumentation(routes, config, pages));
  app.use(allowOrigins(BASE_PATH));
  app.use(serveRoutes(routes, { guard, metering, idempotency, origin: config.origin }));
  return app.callback();
}
