import type { AccessTokenClaims } from '@latchkey/protocol';
import type { AccessToken, Client, ClientCredentials, KoaContextWithOIDC, RefreshToken } from 'oidc-provider';
import { hasAudience } from './access-tokens.ts';
import type { Directory } from './directory.ts';
import { describeTerms } from './organization-terms.ts';
import type { RevocationStatus, TokenSubjects } from './revocation-status.ts';

type LibraryToken = AccessToken | ClientCredentials | RefreshToken;

declare module 'koa' {
  interface DefaultState {
    /** What an opaque token's introspection answers besides what the library does. */
    tokenTerms?: Record<string, unknown>;
  }
}

/** Who may learn about a token: the client it was issued to, and the resource servers it is meant for. */
export interface TokenPolicy {
  /**
   * Whether the token is active, as far as this client may know (RFC 7662 §4): undefined if not. Otherwise what it is
   * told besides what the token says itself: a resource server learns the terms of the organisation.
   */
  judge(clientId: string, token: JudgedToken): Promise<Record<string, unknown> | undefined>;
  /** `features.introspection.allowedPolicy`, for opaque tokens. */
  allowIntrospection(ctx: KoaContextWithOIDC, client: Client, token: LibraryToken): Promise<boolean>;
  /** `features.revocation.allowedPolicy` (RFC 7009 §2.1). */
  allowRevocation(ctx: KoaContextWithOIDC, client: Client, token: LibraryToken): Promise<boolean>;
}

interface JudgedToken {
  aud?: string | string[] | undefined;
  subjects: TokenSubjects;
}

export function createTokenPolicy(directory: Directory, status: RevocationStatus): TokenPolicy {
  async function isResourceServerOf({ aud }: JudgedToken, clientId: string): Promise<boolean> {
    if (aud === undefined) return false;
    const servers = await directory.listResourceServers();
    return servers.some(
      ({ introspectionClientId, identifier }) =>
        introspectionClientId === clientId && hasAudience({ aud }, identifier),
    );
  }

  const policy: TokenPolicy = {
    async judge(clientId, token) {
      const { subjects } = token;
      const enforces = await isResourceServerOf(token, clientId);
      if (!enforces && clientId !== subjects.clientId) return undefined;
      if (await status.isRevoked(subjects)) return undefined;
      // Disabled is gone, before the end of what was issued is written. The library counts on the client, too.
      if (!(await directory.findClient(subjects.clientId))) return undefined;
      if (subjects.organizationId === undefined) return {};
      const organization = await directory.findOrganization(subjects.organizationId);
      if (!organization) return undefined;
      return enforces ? describeTerms(organization) : {};
    },
    async allowIntrospection(ctx, client, token) {
      const aud = 'aud' in token ? (token.aud as string | string[] | undefined) : undefined;
      const terms = await policy.judge(client.clientId, { aud, subjects: subjectsOfModel(token) });
      if (terms) ctx.state.tokenTerms = terms;
      return terms !== undefined;
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
