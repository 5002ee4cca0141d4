/** oidc-provider's short-lived models, by the name the library gives them. */
export const ARTIFACT_KINDS = [
  'Session',
  'Interaction',
  'AuthorizationCode',
  'AccessToken',
  'ClientCredentials',
  'DeviceCode',
  'PushedAuthorizationRequest',
  'BackchannelAuthenticationRequest',
  'PreAuthorizedCode',
] as const;
export type ArtifactKind = (typeof ARTIFACT_KINDS)[number];

export interface Artifact {
  /** What was put, without the artifact's own value. */
  payload: Record<string, unknown>;
  consumedAt: Date | null;
}

export interface ArtifactIndexes {
  /** Deleted by `deleteByGrant`. */
  grantId?: string | undefined;
  /** Found by `findByUid` (sessions). */
  uid?: string | undefined;
  /** Found by `findByUserCode` (device codes). */
  userCode?: string | undefined;
}

/** Short-lived records. Values are bearer values: passed as they are, stored by SHA-256 digest. */
export interface Artifacts {
  /**
   * Inserts or replaces the payload; lives `ttlSeconds` (at least 1) from now. Never resets `consumedAt`.
   */
  put(
    kind: ArtifactKind,
    value: string,
    payload: Record<string, unknown>,
    ttlSeconds: number,
    indexes?: ArtifactIndexes,
  ): Promise<void>;
  /** The artifact, consumed or not, until it expires. */
  find(kind: ArtifactKind, value: string): Promise<Artifact | undefined>;
  /** As `find`, by the index it was put with. The payload must hold what the library needs to rebuild its `jti`. */
  findByUid(kind: ArtifactKind, uid: string): Promise<Artifact | undefined>;
  findByUserCode(kind: ArtifactKind, userCode: string): Promise<Artifact | undefined>;
  /** Marks it used: one compare-and-set. True for exactly one of any number of callers; false when used or gone. */
  consume(kind: ArtifactKind, value: string): Promise<boolean>;
  delete(kind: ArtifactKind, value: string): Promise<void>;
  /** Deletes every artifact of the kind that was put with this grant. */
  deleteByGrant(kind: ArtifactKind, grantId: string): Promise<void>;
}

export interface Replays {
  /** True for the first caller with this key within `ttlSeconds`, false for every later one (SET NX). */
  claim(key: string, ttlSeconds: number): Promise<boolean>;
}

export interface Counters {
  /**
   * Adds one to a counter that starts at zero and is forgotten `windowSeconds` after its first increment, and
   * answers the new count and the seconds until it is forgotten. Atomic.
   */
  increment(key: string, windowSeconds: number): Promise<{ count: number; resetSeconds: number }>;
  /** The current count without adding; zero when there is none. */
  peek(key: string): Promise<{ count: number; resetSeconds: number }>;
  reset(key: string): Promise<void>;
}
