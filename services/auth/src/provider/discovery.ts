import { OIDC_SCOPES } from '@latchkey/protocol';
import type { ResourceServer } from '@latchkey/storage';
import type Koa from 'koa';
import type { Directory } from './directory.ts';

export const DISCOVERY_PATHS = [
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
] as const;

/**
 * Adds to the library's metadata (RFC 8414 §2) what it does not know of: the scopes of the default API, and how
 * clients authenticate at introspection and revocation.
 */
export function describeServer(directory: Directory): Koa.Middleware {
  return async function discovery(ctx, next) {
    await next();
    if (!(DISCOVERY_PATHS as readonly string[]).includes(ctx.path) || ctx.status !== 200) return;
    const document = ctx.body as Record<string, unknown>;
    const methods = document.token_endpoint_auth_methods_supported;
    const algorithms = document.token_endpoint_auth_signing_alg_values_supported;
    const servers = await newest(directory);
    const api = servers.find(({ isDefault }) => isDefault);
    ctx.set('Cache-Control', 'public, max-age=60');
    ctx.set('Cross-Origin-Resource-Policy', 'cross-origin');
    ctx.body = {
      ...document,
      scopes_supported: [...Object.keys(OIDC_SCOPES), ...Object.keys(api?.scopes ?? {})],
      revocation_endpoint_auth_methods_supported: methods,
      revocation_endpoint_auth_signing_alg_values_supported: algorithms,
      introspection_endpoint_auth_methods_supported: methods,
      introspection_endpoint_auth_signing_alg_values_supported: algorithms,
    };
  };
}

/** What was last known, read anew behind the answer: this document must not wait for the database. */
async function newest(directory: Directory): Promise<ResourceServer[]> {
  const known = directory.knownResourceServers();
  const reading = directory.listResourceServers().catch(() => known);
  return known.length > 0 ? known : reading;
}
