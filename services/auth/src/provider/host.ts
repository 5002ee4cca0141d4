import { HttpError } from '@latchkey/service';
import type Koa from 'koa';

/**
 * Answers under the issuer's name alone. The library builds every URL it publishes or redirects to from the Host
 * header, so a foreign one would put an attacker's endpoints into our discovery document (and into caches). The
 * headers that Koa reads are then set to the issuer's, whatever case or default port they came with.
 */
export function pinHost(issuer: string): Koa.Middleware {
  const { host, protocol, href } = new URL(issuer);
  const scheme = protocol.slice(0, -1);
  return function pinnedHost(ctx, next) {
    const { headers } = ctx.req;
    // `X-Forwarded-*` is still there only where a trusted proxy set it (`settleForwarded`).
    const asked = first(headers['x-forwarded-host']) ?? headers.host ?? '';
    const arrived = first(headers['x-forwarded-proto']);
    // Parsed only when it is spelled otherwise: in another case, or with the default port.
    const ours = asked === host || URL.parse(`${protocol}//${asked}`)?.href === href;
    if (!ours || (arrived !== undefined && arrived !== scheme)) {
      throw new HttpError('misdirected_request', {
        description: `This host is not served here; the address is ${issuer}`,
      });
    }
    headers.host = host;
    headers['x-forwarded-host'] = host;
    headers['x-forwarded-proto'] = scheme;
    return next();
  };
}

function first(header: string | string[] | undefined): string | undefined {
  return (Array.isArray(header) ? header[0] : header)?.split(',')[0]?.trim() || undefined;
}
