import type { AccessTokenClaims } from '@latchkey/protocol';
import type { AccessToken, Client, ClientCredentials, KoaContextWithOIDC, RefreshToken } from 'oidc-provider';
import { hasAudience } from './access-tokens.ts';
import type { Directory } from './directory.ts';
import type { RevocationStatus, TokenSubjects } from './revocation-status.ts';

type LibraryToken = AccessToken | ClientCredentials | RefreshToken;

/** Who may learn about a token: the client it was issued to, and the resource servers it is meant for. */
export interface TokenPolicy {
  /** RFC 7662 §4: anybody else is told that the token is not active. */
  mayIntrospect(
    clientId: string,
    token: { clientId: string | undefined; aud?: string | string[] | undefined },
  ): Promise<boolean>;
  /** `features.introspection.allowedPolicy`, for opaque tokens. */
  allowIntrospection(ctx: KoaContextWithOIDC, client: Client, token: LibraryToken): Promise<boolean>;
  /** `features.revocation.allowedPolicy` (RFC 7009 §2.1). */
  allowRevocation(ctx: KoaContextWithOIDC, client: Client, token: LibraryToken): Promise<boolean>;
}

export function createTokenPolicy(directory: Directory, status: RevocationStatus): TokenPolicy {
  const policy: TokenPolicy = {
    async mayIntrospect(clientId, { clientId: owner, aud }) {
      if (clientId === owner) return true;
      if (aud === undefined) return false;
      const servers = await directory.listResourceServers();
      return servers.some(
        ({ introspectionClientId, identifier }) =>
          introspectionClientId === clientId && hasAudience({ aud }, identifier),
      );
    },
    async allowIntrospection(_ctx, client, token) {
      const aud = 'aud' in token ? (token.aud as string | string[] | undefined) : undefined;
      if (!(await policy.mayIntrospect(client.clientId, { clientId: token.clientId, aud }))) return false;
      return !(await status.isRevoked(subjectsOfModel(token)));
    },
    allowRevocation: async (_ctx, client, token) => token.clientId === client.clientId,
  };
  return policy;
}

function subjectsOfModel(token: LibraryToken): TokenSubjects {
  const extra = 'extra' in token ? (token.extra as Record<string, unknown> | undefined) : undefined;
  const organizationId = extra?.org_id;
  return {
    clientId: token.clientId ?? '',
    accountId: 'accountId' in token ? (token.accountId as string) : undefined,
    grantId: 'grantId' in token ? (token.grantId as string) : undefined,
    organizationId: typeof organizationId === 'string' ? organizationId : undefined,
    issuedAt: token.iat,
  };
}

export function subjectsOfClaims(claims: AccessTokenClaims): TokenSubjects {
  return {
    jti: claims.jti,
    grantId: claims.grant_id,
    clientId: claims.client_id,
    // Without a grant the subject is the client itself (RFC 9068 §2.2).
    accountId: claims.grant_id === undefined ? undefined : claims.sub,
    organizationId: claims.org_id,
    issuedAt: claims.iat,
  };
}
