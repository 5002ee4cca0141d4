import { readFileSync } from 'node:fs';
import { APPLICATION_TYPES, CLIENT_AUTH_METHODS, ENVIRONMENTS, GRANT_TYPES } from '@latchkey/protocol';
import { type Command, Option } from 'commander';
import { collect, UsageError } from '../terminal/usage.ts';

/** Client metadata as options of a command. */
export interface MetadataOptions {
  name?: string;
  type?: string;
  redirectUri?: string[];
  postLogoutRedirectUri?: string[];
  grantType?: string[];
  authMethod?: string;
  scope?: string;
  jwks?: string;
  jwksUri?: string;
  idTokenAlg?: string;
  pkce?: boolean;
  refreshWithoutSecret?: boolean;
  clientUri?: string;
  logoUri?: string;
  policyUri?: string;
  tosUri?: string;
}

export function addMetadataOptions(command: Command): Command {
  return command
    .option('--redirect-uri <uri>', 'where sign-in may return to, exactly; repeat for several', collect)
    .option('--post-logout-redirect-uri <uri>', 'where sign-out may return to; repeat for several', collect)
    .option('--grant-type <type>', `${GRANT_TYPES.join(', ')}; repeat for several`, collect)
    .option('--auth-method <method>', `how it authenticates: ${CLIENT_AUTH_METHODS.join(', ')}`)
    .option('--scope <scopes>', 'every scope it may ask for, in one argument with spaces between')
    .option('--jwks <file>', 'its public keys (JWK Set), for private_key_jwt')
    .option('--jwks-uri <url>', 'where its public keys are')
    .option('--id-token-alg <algorithm>', 'ES256 or RS256')
    .option('--pkce', 'require PKCE (the default)')
    .option('--no-pkce', 'for a confidential client whose published code does not send it')
    .option(
      '--refresh-without-secret',
      'for a confidential client whose published code refreshes without its secret',
    )
    .option('--no-refresh-without-secret', 'require the secret (the default)')
    .option('--client-uri <url>', 'its home page')
    .option('--logo-uri <url>', 'its logo')
    .option('--policy-uri <url>', 'its privacy policy')
    .option('--tos-uri <url>', 'its terms of service');
}

export const TYPE_HELP = `what it is: ${APPLICATION_TYPES.join(', ')}`;

export function environmentOption(): Option {
  return new Option('--env <environment>', 'which data it reaches').choices(ENVIRONMENTS);
}

/** The options that were said, in the words of RFC 7591. */
export function readMetadataOptions(options: MetadataOptions): Record<string, unknown> {
  const metadata = {
    client_name: options.name,
    application_type: options.type,
    redirect_uris: options.redirectUri,
    post_logout_redirect_uris: options.postLogoutRedirectUri,
    grant_types: options.grantType,
    token_endpoint_auth_method: options.authMethod,
    scope: options.scope,
    jwks: options.jwks === undefined ? undefined : readJwks(options.jwks),
    jwks_uri: options.jwksUri,
    id_token_signed_response_alg: options.idTokenAlg,
    require_pkce: options.pkce,
    refresh_without_secret: options.refreshWithoutSecret,
    client_uri: options.clientUri,
    logo_uri: options.logoUri,
    policy_uri: options.policyUri,
    tos_uri: options.tosUri,
  };
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined));
}

function readJwks(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`--jwks ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
