import type { Pages } from '@latchkey/pages';
import { sendPage } from '@latchkey/service';
import type Koa from 'koa';
import type { ApiConfig } from './config.ts';
import { describeRoutes } from './openapi.ts';
import type { Route } from './route-table.ts';

const DOCUMENT_PATH = '/openapi.json';
export const REFERENCE_PATH = '/docs';

/** What is read without credentials: the front page, the OpenAPI document and the readable page of it. */
export function serveDocumentation(routes: Route[], config: ApiConfig, pages: Pages): Koa.Middleware {
  const document = describeRoutes(routes, config);
  const home = {
    title: document.info.title,
    message: document.info.summary,
    links: [
      { label: 'API reference', href: REFERENCE_PATH },
      { label: 'OpenAPI document', href: DOCUMENT_PATH },
      { label: 'Authorization server', href: config.issuer },
    ],
  };
  const reference = pages.render('api-reference', { document, documentUrl: DOCUMENT_PATH });
  const answers: Record<string, (ctx: Koa.Context) => void> = {
    '/': (ctx) => sendPage(ctx, pages.render('message', { ...home, requestId: ctx.state.requestId })),
    [REFERENCE_PATH]: (ctx) => sendPage(ctx, reference),
    [DOCUMENT_PATH]: (ctx) => {
      ctx.set('Cache-Control', 'no-cache');
      ctx.set('Access-Control-Allow-Origin', '*');
      ctx.body = document;
    },
  };
  return async function documentation(ctx, next) {
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return next();
    if (!Object.hasOwn(answers, ctx.path)) return next();
    ctx.state.route = ctx.path;
    answers[ctx.path]?.(ctx);
  };
}
