import type Koa from 'koa';
import type { KeyRing } from './keys.ts';

/**
 * How long a verifier may keep the key set. A new key is published for longer than this before it signs, so
 * nobody meets a signature by a key that a fresh enough copy lacks.
 */
export const JWKS_MAX_AGE_SECONDS = 60;

/** The public keys (RFC 7517 §5), at every path they are looked for. */
export function serveJwks(keyRing: KeyRing, paths: readonly string[]): Koa.Middleware {
  return function jwks(ctx, next) {
    if (!paths.includes(ctx.path) || !['GET', 'HEAD'].includes(ctx.method)) return next();
    ctx.state.route = ctx.path;
    ctx.set('Cache-Control', `public, max-age=${JWKS_MAX_AGE_SECONDS}`);
    ctx.set('Access-Control-Allow-Origin', '*');
    ctx.set('Cross-Origin-Resource-Policy', 'cross-origin');
    ctx.body = { keys: keyRing.current().keys.map(({ publicJwk }) => publicJwk) };
  };
}
