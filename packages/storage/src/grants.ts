/** What oidc-provider keeps in a Grant: OIDC and resource scopes, claims, rejections. Opaque to storage. */
export type GrantPayload = Record<string, unknown>;

/**
 * One authorization: what an account let a client do, in one organisation, by one sign-in flow. Each flow has
 * its own grant, so that a replayed code or refresh token ends its own family and no sibling.
 */
export interface Grant {
  /** Not a bearer value: it stands in JWTs as `grant_id`. */
  id: string;
  accountId: string;
  clientId: string;
  /** Null for an account without an organisation. */
  organizationId: string | null;
  payload: GrantPayload;
  createdAt: Date;
  expiresAt: Date;
  /** Set once the grant is revoked. A revoked grant never comes back. */
  revokedAt: Date | null;
}

/** What an account last agreed to for a client and organisation, so that it is not asked again. */
export interface Consent {
  accountId: string;
  clientId: string;
  organizationId: string | null;
  payload: GrantPayload;
  updatedAt: Date;
}

export interface GrantFilter {
  accountId?: string;
  clientId?: string;
  organizationId?: string;
}

export interface Grants {
  /**
   * Inserts, or replaces payload and expiry of a grant. A revoked grant is left as it is; answers false then.
   * Throws `ConflictError` when the account, client or organisation is gone.
   */
  put(
    grant: Pick<Grant, 'id' | 'accountId' | 'clientId' | 'organizationId' | 'payload' | 'expiresAt'>,
  ): Promise<boolean>;
  /** The grant unless it is revoked or past its expiry. */
  find(id: string): Promise<Grant | undefined>;
  /** Which of the ids are of grants that `find` would answer, in one round trip. */
  findLive(ids: string[]): Promise<string[]>;
  /**
   * Revokes the grant and, in the same transaction, deletes its refresh tokens. Answers false when it was not
   * live (unknown, revoked already, or past its expiry). After the answer no refresh token of the grant can be stored (see `RefreshTokens.put`).
   */
  revoke(id: string): Promise<boolean>;
  /** Revokes every live grant that matches all the named fields (at least one); answers their ids. */
  revokeMatching(filter: GrantFilter): Promise<string[]>;
  /**
   * Deletes grants whose expiry was before, revoked ones too, with their refresh tokens; answers how many grants. An
   * id that was purged is as unknown: leave `before` so far back that nobody holds a revoked grant to put it again.
   */
  purge(before: Date): Promise<number>;

  findConsent(
    accountId: string,
    clientId: string,
    organizationId: string | null,
  ): Promise<Consent | undefined>;
  putConsent(consent: Pick<Consent, 'accountId' | 'clientId' | 'organizationId' | 'payload'>): Promise<void>;
  /** Forgets what was agreed to for every match (as `revokeMatching`): the next sign-in asks again. Answers how many. */
  deleteConsents(filter: GrantFilter): Promise<number>;
}
