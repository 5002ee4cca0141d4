import { API_KEY_PATTERN } from './api-keys.ts';
import { createMemberReader, type Fault, type MemberReader } from './members.ts';
import { findPublicKeyFaults } from './public-keys.ts';
import { refuseHttpsUrl, refuseRedirectUri } from './redirect-uris.ts';
import { DATA_SCOPES, formatScope, isScopeToken, OIDC_SCOPES, parseScope } from './scopes.ts';

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

const ID_TOKEN_ALGORITHMS = ['ES256', 'RS256'] as const;

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

const LINKS = ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri'] as const;

export const CLIENT_METADATA_MEMBERS: readonly (keyof ClientMetadata)[] = [
  'client_name',
  'application_type',
  'redirect_uris',
  'post_logout_redirect_uris',
  'grant_types',
  'token_endpoint_auth_method',
  'jwks',
  'jwks_uri',
  'scope',
  'id_token_signed_response_alg',
  'require_pkce',
  'refresh_without_secret',
  ...LINKS,
];

interface Defaults {
  grantTypes: GrantType[];
  authMethod: ClientAuthMethod;
  scopes: string[];
}

const OIDC = Object.keys(OIDC_SCOPES);
const DATA = Object.keys(DATA_SCOPES);

const DEFAULTS: Record<ApplicationType, Defaults> = {
  web: {
    grantTypes: ['authorization_code', 'refresh_token'],
    authMethod: 'client_secret_basic',
    scopes: [...OIDC, ...DATA],
  },
  spa: {
    grantTypes: ['authorization_code', 'refresh_token'],
    authMethod: 'none',
    scopes: [...OIDC, ...DATA],
  },
  native: {
    grantTypes: ['authorization_code', 'refresh_token'],
    authMethod: 'none',
    scopes: [...OIDC, ...DATA],
  },
  machine: { grantTypes: ['client_credentials'], authMethod: 'client_secret_basic', scopes: DATA },
  resource_server: { grantTypes: [], authMethod: 'client_secret_basic', scopes: [] },
};

const MAX_NAME_LENGTH = 200;
const MAX_URIS = 100;

/**
 * Checks what RFC 7591 §2 calls client metadata and fills in the defaults of its application type. Answers the
 * whole metadata or every fault. Redirect URIs are kept exactly as they were given.
 */
export function validateClientMetadata(input: unknown): { metadata: ClientMetadata } | { faults: Fault[] } {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return { faults: [{ field: '', message: 'must be an object' }] };
  }
  const reader = createMemberReader(input as Record<string, unknown>);
  reader.refuseUnknown(CLIENT_METADATA_MEMBERS);
  const metadata = readMetadata(reader, input as Record<string, unknown>);
  checkTogether(metadata, (field, message) => {
    // A member that could not be read breaks further rules only because its default stands in for it.
    if (!reader.faults.some((fault) => fault.field.split('[', 1)[0] === field)) reader.fault(field, message);
  });
  return reader.faults.length > 0 ? { faults: reader.faults } : { metadata };
}

function readMetadata(reader: MemberReader, input: Record<string, unknown>): ClientMetadata {
  const applicationType = reader.choice('application_type', APPLICATION_TYPES, 'web');
  const defaults = DEFAULTS[applicationType];
  return {
    client_name: readName(reader),
    application_type: applicationType,
    redirect_uris: readRedirectUris(reader, 'redirect_uris', applicationType),
    post_logout_redirect_uris: readRedirectUris(reader, 'post_logout_redirect_uris', applicationType),
    grant_types: readGrantTypes(reader, defaults.grantTypes),
    token_endpoint_auth_method: reader.choice(
      'token_endpoint_auth_method',
      CLIENT_AUTH_METHODS,
      defaults.authMethod,
    ),
    ...readKeys(reader, input),
    scope: readScope(reader, defaults.scopes),
    id_token_signed_response_alg: reader.choice('id_token_signed_response_alg', ID_TOKEN_ALGORITHMS, 'ES256'),
    require_pkce: reader.flag('require_pkce', true),
    refresh_without_secret: reader.flag('refresh_without_secret', false),
    ...readLinks(reader),
  };
}

function readName(reader: MemberReader): string {
  const before = reader.faults.length;
  const name = reader.text('client_name')?.trim() ?? '';
  if (reader.faults.length > before) return name;
  if (name === '') reader.fault('client_name', 'is required');
  // People read it on the consent page: control and direction marks could make it read as another name.
  else if (name.length > MAX_NAME_LENGTH || /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(name)) {
    reader.fault('client_name', `must be at most ${MAX_NAME_LENGTH} visible characters`);
  } else if (API_KEY_PATTERN.test(name)) {
    // It stands in lists and on pages, where no key may.
    reader.fault('client_name', 'must not hold an API key');
  }
  return name;
}

function readRedirectUris(
  reader: MemberReader,
  field: 'redirect_uris' | 'post_logout_redirect_uris',
  applicationType: ApplicationType,
): string[] {
  const uris = reader.texts(field) ?? [];
  if (uris.length > MAX_URIS) reader.fault(field, `may hold at most ${MAX_URIS}`);
  for (const [index, uri] of uris.entries()) {
    const message = refuseRedirectUri(uri, applicationType);
    if (message) reader.fault(`${field}[${index}]`, message);
  }
  return uris;
}

function readGrantTypes(reader: MemberReader, fallback: GrantType[]): GrantType[] {
  const given = reader.texts('grant_types');
  if (!given) return [...fallback];
  const known = GRANT_TYPES.filter((type) => given.includes(type));
  for (const [index, type] of given.entries()) {
    if (!(GRANT_TYPES as readonly string[]).includes(type)) {
      reader.fault(`grant_types[${index}]`, `must be one of ${GRANT_TYPES.join(', ')}`);
    }
  }
  return known;
}

function readScope(reader: MemberReader, fallback: string[]): string {
  const text = reader.text('scope');
  const scopes = text === undefined ? fallback : [...parseScope(text)];
  const broken = scopes.filter((scope) => !isScopeToken(scope));
  if (broken.length > 0) {
    reader.fault('scope', `must be scope tokens with single spaces between (RFC 6749 §3.3)`);
  }
  return formatScope(scopes);
}

function readKeys(
  reader: MemberReader,
  input: Record<string, unknown>,
): Pick<ClientMetadata, 'jwks' | 'jwks_uri'> {
  const uri = reader.text('jwks_uri');
  const refusal = uri === undefined ? undefined : refuseHttpsUrl(uri);
  if (refusal) reader.fault('jwks_uri', refusal);
  if (input.jwks === undefined) return uri === undefined ? {} : { jwks_uri: uri };
  for (const { field, message } of findPublicKeyFaults(input.jwks)) reader.fault(`jwks${field}`, message);
  // RFC 7591 §2: "The jwks_uri and jwks parameters MUST NOT both be present".
  if (uri !== undefined) reader.fault('jwks', 'must not stand beside jwks_uri');
  return { jwks: input.jwks as { keys: Record<string, unknown>[] } };
}

function readLinks(reader: MemberReader): Pick<ClientMetadata, (typeof LINKS)[number]> {
  const links: Partial<Record<(typeof LINKS)[number], string>> = {};
  for (const name of LINKS) {
    const text = reader.text(name);
    if (text === undefined) continue;
    const refusal = refuseHttpsUrl(text);
    if (refusal) reader.fault(name, refusal);
    links[name] = text;
  }
  return links;
}

type AddFault = (field: string, message: string) => void;

/** Rules that concern several members. */
function checkTogether(metadata: ClientMetadata, fault: AddFault): void {
  checkGrantTypes(metadata, fault);
  checkAuthMethod(metadata, fault);
  const { application_type: type, token_endpoint_auth_method: method } = metadata;
  // An application on a user's device cannot keep a secret, whatever it was given (RFC 8252 §8.1, §8.5).
  const confidential = method !== 'none' && type !== 'spa' && type !== 'native';
  if (!confidential && !metadata.require_pkce) {
    fault('require_pkce', 'may be false only for a confidential client');
  }
  if (!confidential && metadata.refresh_without_secret) {
    fault('refresh_without_secret', 'may be true only for a confidential client');
  }
}

function checkGrantTypes(metadata: ClientMetadata, fault: AddFault): void {
  const { application_type: type, grant_types: grants, token_endpoint_auth_method: method } = metadata;
  const redirects = grants.includes('authorization_code');
  if (type === 'resource_server' && grants.length > 0) {
    fault('grant_types', 'must be empty for a resource_server, which only introspects');
  }
  if (type === 'machine' && redirects) fault('grant_types', 'a machine has nobody to send to a sign-in page');
  if (grants.includes('refresh_token') && !redirects) {
    fault('grant_types', 'refresh_token needs authorization_code');
  }
  if (grants.includes('client_credentials') && (method === 'none' || type === 'spa')) {
    fault('grant_types', 'client_credentials needs a client that can keep a secret (RFC 6749 §4.4)');
  }
  if (redirects && metadata.redirect_uris.length === 0) {
    fault('redirect_uris', 'needs at least one for authorization_code');
  }
  for (const field of ['redirect_uris', 'post_logout_redirect_uris'] as const) {
    if (!redirects && metadata[field].length > 0) fault(field, 'is only for authorization_code');
  }
}

function checkAuthMethod(metadata: ClientMetadata, fault: AddFault): void {
  const { application_type: type, token_endpoint_auth_method: method } = metadata;
  if (method === 'private_key_jwt' && !metadata.jwks && metadata.jwks_uri === undefined) {
    fault('jwks', 'private_key_jwt needs jwks or jwks_uri');
  }
  if (type === 'spa' && method !== 'none') {
    fault('token_endpoint_auth_method', 'must be none: a browser cannot keep a secret');
  }
  if (method === 'none' && (type === 'machine' || type === 'resource_server')) {
    fault('token_endpoint_auth_method', `must not be none for a ${type}`);
  }
}
