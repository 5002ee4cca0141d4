import {
  type AccessTokenClaims,
  type Environment,
  PLANS,
  type Plan,
  parseScope,
  ROLES,
  type Role,
} from '@latchkey/protocol';
import { freezeScopes } from './scopes.ts';

/** The two kinds of credential: a token (JWT or opaque), or an API key. */
export type CredentialKind = 'token' | 'api_key';

/** Who a request acts for. Frozen: one object serves every request that brings the same credential. */
export interface Principal {
  /** `user`: an account through a client. `client`: a client on its own (client credentials). `api_key`: a program. */
  readonly kind: 'user' | 'client' | 'api_key';
  readonly accountId?: string;
  /** Absent for API keys. */
  readonly clientId?: string;
  readonly apiKeyId?: string;
  /**
   * What requests are counted under: the API key's id, or the client's. One client may serve many organisations:
   * limits count it apart for each, and for each account that has none.
   */
  readonly credentialId: string;
  /** Absent for an account or client without an organisation. */
  readonly organizationId?: string;
  readonly environment: Environment;
  /** The account's role when the token was issued; accounts alone have one. */
  readonly role?: Role;
  readonly plan?: Plan;
  readonly scopes: ReadonlySet<string>;
  /** `jti`, or an opaque token's digest: names the token in logs without being worth anything. Absent for API keys. */
  readonly tokenId?: string;
  /** The consent the token was issued under; absent for clients and API keys. */
  readonly grantId?: string;
}

/** Names the credential where its requests are limited: nobody uses up what another has through the same client. */
export function countedAs({ organizationId, accountId, credentialId }: Principal): string {
  return `${organizationId ?? accountId ?? ''}:${credentialId}`;
}

/** A role or plan that this release does not know is left out rather than taken for one that it does. */
export function toPrincipal(claims: AccessTokenClaims): Principal {
  const isClient = claims.sub === claims.client_id;
  const role = ROLES.find((known) => known === claims.role);
  const plan = PLANS.find((known) => known === claims.plan);
  return Object.freeze({
    kind: isClient ? 'client' : 'user',
    ...(isClient ? {} : { accountId: claims.sub }),
    clientId: claims.client_id,
    credentialId: claims.client_id,
    ...(claims.org_id === undefined ? {} : { organizationId: claims.org_id }),
    environment: claims.env ?? 'live',
    ...(role === undefined ? {} : { role }),
    ...(plan === undefined ? {} : { plan }),
    scopes: freezeScopes(parseScope(claims.scope)),
    tokenId: claims.jti,
    ...(claims.grant_id === undefined ? {} : { grantId: claims.grant_id }),
  });
}
