import type {
  AccessToken,
  ClientCredentials,
  Configuration,
  KoaContextWithOIDC,
  Session,
} from 'oidc-provider';
import { type AuthConfig, type Lifetimes, lifetimesOf } from '../config.ts';
import { isConfidential, type LibraryClients } from './clients.ts';
import { refreshTokenTtl } from './refresh-tokens.ts';
import { ROUTES } from './routes.ts';

/** What the configuration is made of besides the deployer's choices. */
export interface ConfigurationParts
  extends Required<
    Pick<
      Configuration,
      | 'adapter'
      | 'jwks'
      | 'features'
      | 'findAccount'
      | 'loadExistingGrant'
      | 'extraTokenClaims'
      | 'renderError'
      | 'assertJwtClientAuthClaimsAndHeader'
      | 'revokeGrantPolicy'
    >
  > {
  policy: NonNullable<NonNullable<Configuration['interactions']>['policy']>;
  customizeJwt: NonNullable<NonNullable<NonNullable<Configuration['formats']>['customizers']>['jwt']>;
  clients: Pick<LibraryClients, 'recordOf'>;
}

/** OAuth 2.1 and RFC 9700, in the library's words. Keys it does not know are dropped in silence: mind the spelling. */
export function createConfiguration(config: AuthConfig, parts: ConfigurationParts): Configuration {
  const { clients, policy, customizeJwt, ...rest } = parts;
  return {
    ...rest,
    routes: ROUTES,
    responseTypes: ['code'],
    subjectTypes: ['public'],
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub'], profile: ['name', 'updated_at'], email: ['email', 'email_verified'] },
    // No `client_secret_jwt`: with stored digests the digest would be the secret.
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256', 'RS256'],
      clientAuthSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA'],
    },
    interactions: { policy, url: (_ctx, { uid }) => `/interaction/${uid}` },
    formats: { customizers: { jwt: customizeJwt } },
    pkce: { required: (_ctx, client) => requiresPkce(clients.recordOf(client)) },
    clientBasedCORS: (ctx, origin, client) => allowsOrigin(ctx, origin, clients.recordOf(client)),
    // A session ends on its own; what was granted is ended by revoking it.
    expiresWithSession: async () => false,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    // Published client code exchanges the code without it.
    allowOmittingSingleRegisteredRedirectUri: true,
    acceptQueryParamAccessTokens: false,
    clockTolerance: 5,
    cookies: createCookies(config),
    ttl: createTtl(lifetimesOf(config)),
  };
}

/** Public clients always; a confidential one unless it is registered with the exception. */
function requiresPkce(record: ReturnType<LibraryClients['recordOf']>): boolean {
  return !isConfidential(record) || record.metadata.require_pkce !== false;
}

/** A page may call the endpoints for the client that returns to it. A secret does not belong in a page. */
function allowsOrigin(
  { oidc }: KoaContextWithOIDC,
  origin: string,
  record: ReturnType<LibraryClients['recordOf']>,
): boolean {
  if (oidc.route !== 'userinfo' && isConfidential(record)) return false;
  return origin !== 'null' && record.metadata.redirect_uris.some((uri) => URL.parse(uri)?.origin === origin);
}

function createCookies({ issuer, cookieKeys }: AuthConfig): NonNullable<Configuration['cookies']> {
  const secure = issuer.startsWith('https:');
  const options = { httpOnly: true, sameSite: 'lax', signed: true, secure } as const;
  return {
    keys: cookieKeys,
    names: {
      // `__Host-`: no sibling subdomain can plant it (RFC 6265bis §4.1.3.2).
      session: secure ? '__Host-latchkey_session' : 'latchkey_session',
      interaction: 'latchkey_interaction',
      resume: 'latchkey_resume',
    },
    long: options,
    short: options,
  };
}

function createTtl(lifetimes: Lifetimes): NonNullable<Configuration['ttl']> {
  const accessToken = (_ctx: KoaContextWithOIDC, token: AccessToken | ClientCredentials) =>
    token.resourceServer?.accessTokenTTL ?? lifetimes.accessToken;
  return {
    AccessToken: accessToken,
    ClientCredentials: accessToken,
    AuthorizationCode: lifetimes.authorizationCode,
    RefreshToken: refreshTokenTtl(lifetimes),
    IdToken: 3600,
    Interaction: lifetimes.interaction,
    // Anybody gets one by asking to sign out; what strangers can make us keep lasts no longer than a begun sign-in.
    Session: (_ctx: KoaContextWithOIDC, { accountId }: Session) =>
      accountId === undefined ? lifetimes.interaction : lifetimes.session,
    // Never extended, so it starts out longer than the last refresh token and the JWTs issued with it.
    Grant: lifetimes.refreshTokenMax + 2 * 86_400,
  };
}
