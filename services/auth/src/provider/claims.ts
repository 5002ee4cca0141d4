import { type AccessTokenClaims, formatScope } from '@latchkey/protocol';
import type { Account as AccountRecord, DurableStorage } from '@latchkey/storage';
import type {
  AccessToken,
  Account,
  ClientCredentials,
  JWTStructured,
  KoaContextWithOIDC,
} from 'oidc-provider';
import { isOfPresentGeneration } from '../accounts/sign-in-generation.ts';
import type { GrantWithOrganization } from '../interaction/grant.ts';
import type { LibraryClients } from './clients.ts';
import type { Resources } from './resources.ts';

/**
 * The account as the library wants it; undefined (not null) when it is gone, disabled, or no longer spoken for by
 * the session or grant of this request.
 */
export function createFindAccount(accounts: Pick<DurableStorage['accounts'], 'find'>) {
  return async function findAccount({ oidc }: KoaContextWithOIDC, id: string): Promise<Account | undefined> {
    const account = await accounts.find(id);
    if (!account || account.disabledAt) return undefined;
    const speaker = oidc.entities.Grant ?? oidc.session;
    if (speaker && !isOfPresentGeneration(speaker, account)) return undefined;
    return { accountId: account.id, claims: () => describeAccount(account) };
  };
}

/** OpenID Connect Core §5.1. The library cuts this to the granted scopes. */
function describeAccount({ id, name, email, emailVerified, updatedAt }: AccountRecord) {
  return {
    sub: id,
    name,
    email,
    email_verified: emailVerified,
    updated_at: Math.floor(updatedAt.getTime() / 1000),
  };
}

/**
 * Latchkey's own claims. Runs after the code or refresh token was consumed, so it only gathers what earlier steps
 * found: nothing here can fail.
 */
export function createExtraTokenClaims({
  resources,
  clients,
}: {
  resources: Resources;
  clients: LibraryClients;
}) {
  return function extraTokenClaims(
    ctx: KoaContextWithOIDC,
    token: AccessToken | ClientCredentials,
  ): Partial<AccessTokenClaims> & Record<string, unknown> {
    const { organizationId, role, plan } = resources.holderOf(ctx) ?? {};
    const grant = ctx.oidc.entities.Grant as GrantWithOrganization | undefined;
    const seat = organizationId ?? grant?.organizationId ?? undefined;
    const grantId = 'grantId' in token ? token.grantId : undefined;
    return {
      ...(grantId !== undefined && { grant_id: grantId }),
      ...(seat !== undefined && { org_id: seat }),
      ...(role !== undefined && { role }),
      ...(plan !== undefined && { plan }),
      ...(ctx.oidc.client && { env: clients.recordOf(ctx.oidc.client).environment }),
    };
  };
}

/**
 * Lets a JWT access token that was issued with `openid` work at userinfo too, and says so: the endpoint stands in
 * its audience and the granted OpenID Connect scopes in its scope (RFC 9068 §2.2, §3).
 */
export function createJwtCustomizer(userinfoEndpoint: string) {
  return function customizeJwt(
    ctx: KoaContextWithOIDC,
    token: AccessToken | ClientCredentials,
    { payload }: JWTStructured,
  ): void {
    const { Grant, AuthorizationCode, RefreshToken } = ctx.oidc.entities;
    const source = AuthorizationCode ?? RefreshToken;
    if (token.kind !== 'AccessToken' || !Grant || !source) return;
    const narrowed = ctx.oidc.params?.scope ? ctx.oidc.requestParamScopes : source.scopes;
    const granted = Grant.getOIDCScopeFiltered(new Set(narrowed)).split(' ').filter(Boolean);
    if (!granted.includes('openid')) return;
    const scope = formatScope([...granted, ...(token.scope?.split(' ').filter(Boolean) ?? [])]);
    // The token response names the scope of the token, so both change together (RFC 6749 §5.1).
    token.scope = scope;
    Object.assign(payload, { scope, aud: [payload.aud, userinfoEndpoint].flat() });
  };
}
