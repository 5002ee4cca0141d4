/**
 * Protected resource metadata (RFC 9728 §2). URLs are absolute. No `jwks_uri`: that is for keys the resource itself
 * signs with, and the authorization server's own metadata names the keys of tokens.
 */
export interface ProtectedResourceMetadata {
  resource: string;
  authorization_servers: string[];
  scopes_supported: string[];
  bearer_methods_supported: readonly ['header'];
  resource_name?: string;
  resource_documentation?: string;
}

/** Where a resource's metadata lives: the well-known segment goes between host and path (RFC 9728 §3.1). */
export function protectedResourceMetadataUrl(resource: string): string {
  const url = new URL(resource);
  const path = url.pathname === '/' ? '' : url.pathname;
  return `${url.origin}/.well-known/oauth-protected-resource${path}${url.search}`;
}
