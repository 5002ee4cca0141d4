import { ASSET_CACHE_CONTROL, type Pages } from '@latchkey/pages';
import type Koa from 'koa';

/** Where pages look for their style sheet, script and icon. */
export const ASSETS_PATH = '/assets';

/** Their names change with their content, so a browser keeps them for ever. */
export function serveAssets(pages: Pages): Koa.Middleware {
  return function assets(ctx, next) {
    const asset = ['GET', 'HEAD'].includes(ctx.method) ? pages.assets.get(ctx.path) : undefined;
    if (!asset) return next();
    ctx.state.route = `${ASSETS_PATH}/:name`;
    ctx.set('Cache-Control', ASSET_CACHE_CONTROL);
    ctx.set('ETag', asset.etag);
    ctx.type = asset.type;
    ctx.status = 200;
    if (ctx.fresh) ctx.status = 304;
    else ctx.body = asset.body;
  };
}
