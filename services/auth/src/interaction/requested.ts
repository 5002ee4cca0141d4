import type { KoaContextWithOIDC } from 'oidc-provider';
import { z } from 'zod';

/** Everything an authorization request asks for that its client may have. */
const requestedAuthoritySchema = z.object({
  oidcScopes: z.array(z.string()),
  /** Scopes by resource identifier (RFC 8707). */
  resources: z.record(z.string(), z.array(z.string())),
});

export type RequestedAuthority = z.infer<typeof requestedAuthoritySchema>;

/**
 * The library's own prompt details name only what an earlier grant lacks; a grant of its own for each flow needs
 * the whole, and so does a person who is asked again.
 */
export function requestedAuthority({ oidc }: KoaContextWithOIDC): RequestedAuthority {
  const asked = [...oidc.requestParamScopes];
  const resources = Object.entries(oidc.resourceServers ?? {}).map(([identifier, { scopes }]) => {
    const known = new Set(scopes);
    return [identifier, asked.filter((scope) => known.has(scope))] as const;
  });
  return { oidcScopes: [...oidc.requestParamOIDCScopes], resources: Object.fromEntries(resources) };
}

/** As the consent prompt's details brought it back from the interaction. */
export function readRequestedAuthority(details: Record<string, unknown>): RequestedAuthority {
  return requestedAuthoritySchema.parse(details.requested);
}
