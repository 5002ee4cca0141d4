import type Koa from 'koa';

/** How long a browser may remember a preflight. */
const MAX_AGE_SECONDS = 600;

/** What a script may read of an answer, beside what every one may. */
const EXPOSED = [
  'Content-Disposition',
  'Idempotent-Replayed',
  'Link',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'X-Request-Id',
];

/**
 * Lets browser applications of any origin call the API (Fetch standard §3.2). Safe because credentials are bearer
 * tokens in a header, never cookies: a foreign page has no token that its own code did not get.
 */
export function allowOrigins(basePath: string): Koa.Middleware {
  return async function cors(ctx, next) {
    if (!ctx.path.startsWith(`${basePath}/`)) return next();
    ctx.set({
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Expose-Headers': EXPOSED.join(', '),
    });
    if (ctx.method !== 'OPTIONS' || !ctx.get('Access-Control-Request-Method')) return next();
    ctx.state.route = 'preflight';
    ctx.set({
      'Access-Control-Allow-Methods': 'GET, POST, PATCH, DELETE',
      'Access-Control-Allow-Headers': 'Authorization, Content-Type, Idempotency-Key',
      'Access-Control-Max-Age': String(MAX_AGE_SECONDS),
    });
    ctx.status = 204;
  };
}
