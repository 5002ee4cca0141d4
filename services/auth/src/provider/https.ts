import { HttpError } from '@latchkey/service';
import type Koa from 'koa';

/** One year, in seconds. Without `includeSubDomains`: neighbours of this host are not ours to speak for. */
const HSTS = 'max-age=31536000';

/**
 * Where the issuer is https, nothing but https is answered. Refused, not redirected: a client that sends its secret in
 * clear would never notice a redirect, and the secret has been on the wire by then. `ctx.protocol` is what the
 * connection is, or what a trusted proxy says the caller's was; from anybody else that word is gone (`settleForwarded`).
 *
 * @param open paths that are also reached inside the network, where there is no TLS: they neither take nor tell secrets
 */
export function requireHttps(issuer: string, open: readonly string[]): Koa.Middleware {
  if (!issuer.startsWith('https:')) return (_ctx, next) => next();
  return function httpsOnly(ctx, next) {
    // RFC 6797 §7.2: the header means nothing over http, and must not be sent there.
    if (ctx.protocol === 'https') ctx.set('Strict-Transport-Security', HSTS);
    else if (!open.includes(ctx.path)) {
      throw new HttpError('https_required', {
        description: `Only https is accepted here; the address is ${issuer}`,
      });
    }
    return next();
  };
}
