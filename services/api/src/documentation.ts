import { ASSET_CACHE_CONTROL, createPages } from '@latchkey/pages';
import { sendPage } from '@latchkey/service';
import type Koa from 'koa';
import type { ApiConfig } from './config.ts';
import { describeRoutes } from './openapi.ts';
import type { Route } from './route-table.ts';

const ASSETS_PATH = '/assets';
const DOCUMENT_PATH = '/openapi.json';
export const REFERENCE_PATH = '/docs';

/** What is read without credentials: the front page, the OpenAPI document and the readable page of it. */
export function serveDocumentation(routes: Route[], config: ApiConfig): Koa.Middleware {
  const productName = config.productName ?? 'Latchkey';
  const pages = createPages({
    assetsPath: ASSETS_PATH,
    productName,
    templateDirs: config.templateDirs ?? [],
  });
  const document = describeRoutes(routes, config);
  const home = {
    title: document.info.title,
    message: document.info.description,
    links: [
      { label: 'API reference', href: REFERENCE_PATH },
      { label: 'OpenAPI document', href: DOCUMENT_PATH },
      { label: 'Authorization server', href: config.issuer },
    ],
  };
  const answers: Record<string, (ctx: Koa.Context) => void> = {
    '/': (ctx) => sendPage(ctx, pages.render('message', { ...home, requestId: ctx.state.requestId })),
    [REFERENCE_PATH]: (ctx) =>
      sendPage(ctx, pages.render('api-reference', { document, documentUrl: DOCUMENT_PATH })),
    [DOCUMENT_PATH]: (ctx) => {
      ctx.set('Cache-Control', 'no-cache');
      ctx.set('Access-Control-Allow-Origin', '*');
      ctx.body = document;
    },
  };
  return async function documentation(ctx, next) {
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return next();
    const asset = pages.assets.get(ctx.path);
    if (asset) {
      ctx.state.route = `${ASSETS_PATH}/:name`;
      ctx.set({ 'Cache-Control': ASSET_CACHE_CONTROL, ETag: asset.etag, 'Content-Type': asset.type });
      ctx.body = asset.body;
      return;
    }
    if (!Object.hasOwn(answers, ctx.path)) return next();
    ctx.state.route = ctx.path;
    answers[ctx.path]?.(ctx);
  };
}
