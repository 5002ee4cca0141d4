/** What a client is, which sets what it may do. `resource_server` only introspects. */
export const APPLICATION_TYPES = ['web', 'spa', 'native', 'machine', 'resource_server'] as const;
export type ApplicationType = (typeof APPLICATION_TYPES)[number];

export const GRANT_TYPES = ['authorization_code', 'refresh_token', 'client_credentials'] as const;
export type GrantType = (typeof GRANT_TYPES)[number];

/** RFC 7591 §2 `token_endpoint_auth_method`; no `client_secret_jwt`: with stored digests it is pass-the-hash. */
export const CLIENT_AUTH_METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'none',
] as const;
export type ClientAuthMethod = (typeof CLIENT_AUTH_METHODS)[number];

/** Client metadata in RFC 7591's words (§2), plus Latchkey's per-client exceptions. */
export interface ClientMetadata {
  client_name: string;
  application_type: ApplicationType;
  redirect_uris: string[];
  /** OpenID Connect RP-Initiated Logout §3.1. */
  post_logout_redirect_uris: string[];
  grant_types: GrantType[];
  token_endpoint_auth_method: ClientAuthMethod;
  jwks?: { keys: Record<string, unknown>[] };
  jwks_uri?: string;
  /** Every scope it may ask for, space-delimited. */
  scope: string;
  id_token_signed_response_alg: 'ES256' | 'RS256';
  /** False only for confidential clients whose published code sends no challenge. */
  require_pkce: boolean;
  /** True only for confidential clients whose published code refreshes without a secret. */
  refresh_without_secret: boolean;
  client_uri?: string;
  logo_uri?: string;
  policy_uri?: string;
  tos_uri?: string;
}
