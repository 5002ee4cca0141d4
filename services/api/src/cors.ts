import type Koa from 'koa';

/** How long a browser may remember a preflight. */
const MAX_AGE_SECONDS = 600;

/**
 * Lets browser applications of any origin call the API (Fetch standard §3.2). Safe because credentials are bearer
 * tokens in a header, never cookies: a foreign page has no token that its own code did not get.
 */
export function allowOrigins(basePath: string): Koa.Middleware {
  return async function cors(ctx, next) {
    if (!ctx.path.startsWith(`${basePath}/`)) return next();
    ctx.set({
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Expose-Headers': 'Location, Retry-After, WWW-Authenticate, X-Request-Id',
    });
    if (ctx.method !== 'OPTIONS' || !ctx.get('Access-Control-Request-Method')) return next();
    ctx.state.route = 'preflight';
    ctx.set({
      'Access-Control-Allow-Methods': 'GET, POST, PATCH',
      'Access-Control-Allow-Headers': 'Authorization, Content-Type',
      'Access-Control-Max-Age': String(MAX_AGE_SECONDS),
    });
    ctx.status = 204;
  };
}
