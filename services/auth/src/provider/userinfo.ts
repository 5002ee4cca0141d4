import { parseScope } from '@latchkey/protocol';
import Provider, { type AccessToken } from 'oidc-provider';
import { type AccessTokenVerifier, hasAudience, isStructured } from './access-tokens.ts';
import type { RevocationStatus } from './revocation-status.ts';
import { subjectsOfClaims } from './token-policy.ts';

/**
 * Lets the userinfo endpoint take our JWT access tokens that name it in their audience (`createJwtCustomizer`). The
 * library looks a bearer value up as an opaque token; for a JWT it gets the same model with what the token says,
 * and goes on to check client, account and grant as for any other.
 */
export function installUserinfo(
  provider: Provider,
  deps: { verifier: AccessTokenVerifier; status: RevocationStatus; endpoint: string },
): void {
  const { verifier, status, endpoint } = deps;
  const AccessTokenModel = provider.AccessToken;
  const findOpaque = AccessTokenModel.find.bind(AccessTokenModel) as FindAccessToken;
  const find: FindAccessToken = async (value, options) => {
    if (!isStructured(value)) return findOpaque(value, options);
    if (Provider.ctx?.oidc.route !== 'userinfo') return undefined;
    const claims = await verifier.verify(value);
    if (!claims || claims.cnf || claims.grant_id === undefined || !hasAudience(claims, endpoint))
      return undefined;
    if (await status.isRevoked(subjectsOfClaims(claims))) return undefined;
    const client = await provider.Client.find(claims.client_id);
    if (!client) return undefined;
    return new AccessTokenModel({
      client,
      accountId: claims.sub,
      grantId: claims.grant_id,
      gty: 'authorization_code',
      scope: [...parseScope(claims.scope)].join(' '),
      jti: claims.jti,
      iat: claims.iat,
      exp: claims.exp,
    });
  };
  Object.assign(AccessTokenModel, { find });
}

type FindAccessToken = (
  value: string,
  options?: { ignoreExpiration?: boolean },
) => Promise<AccessToken | undefined>;
