import type { Environment } from '@latchkey/protocol';
import type { Place } from './place.ts';

/** An API key of an organisation. The key itself is shown once, when it is made, and kept nowhere. */
export interface ApiKey {
  /** Stands in the key in clear, and finds this record. */
  id: string;
  organizationId: string;
  environment: Environment;
  name: string;
  scopes: string[];
  /** HMAC-SHA-256 of the secret under the pepper (`digestSecret`). */
  digest: Buffer;
  /** The last characters of the whole key, which people tell it by. */
  lastFour: string;
  /** Addresses and CIDR ranges it may be used from; empty: anywhere. */
  ipAllowlist: string[];
  /** Requests per minute of this key alone; null: no limit but its organisation's. */
  rateLimit: number | null;
  /** Who made it. */
  createdBy: { type: 'account' | 'client' | 'api_key' | 'operator'; id: string };
  createdAt: Date;
  /** Of everything but `lastUsedAt`. */
  updatedAt: Date;
  /** Null: never. An expiry is also how a rotation gives the old key its overlap. */
  expiresAt: Date | null;
  revokedAt: Date | null;
  /** When somebody reported it as published. */
  leakedAt: Date | null;
  /** To the minute or so: written in batches. */
  lastUsedAt: Date | null;
  /** The key that a rotation put in its place. */
  successorId: string | null;
}

export type NewApiKeyRecord = Omit<
  ApiKey,
  'createdAt' | 'updatedAt' | 'revokedAt' | 'leakedAt' | 'lastUsedAt' | 'successorId'
>;

export type ApiKeyChanges = Partial<
  Pick<ApiKey, 'name' | 'scopes' | 'ipAllowlist' | 'rateLimit' | 'expiresAt' | 'revokedAt' | 'leakedAt'>
>;

export interface RotatedApiKey {
  predecessor: ApiKey;
  successor: ApiKey;
}

export interface ApiKeys {
  /** Inserts. Throws `ConflictError` when the id is taken or there is no such organisation. */
  create(key: NewApiKeyRecord): Promise<ApiKey>;
  /** Whether it may still be used or not. */
  find(id: string): Promise<ApiKey | undefined>;
  /** Those of the ids that exist, in any order, in one round trip. */
  findMany(ids: readonly string[]): Promise<ApiKey[]>;
  /** Newest first; `after` is the last key of the page before, or its place. */
  list(filter: {
    organizationId: string;
    environment?: Environment;
    after?: Place | undefined;
    limit: number;
  }): Promise<ApiKey[]>;
  /**
   * Changes the named fields and `updatedAt`, in one statement. A revocation is final: `revokedAt` of a revoked key
   * stays as it is. Answers undefined when there is no such key.
   */
  update(id: string, changes: ApiKeyChanges): Promise<ApiKey | undefined>;
  /**
   * Puts a new key in the place of another, which ends at `endsAt` or at its own expiry where that is sooner. The new
   * one is made from the old as it is when nobody else can change it any more. All or nothing: of any number of
   * callers exactly one rotates. The others are answered undefined and store nothing, as where there is no such key,
   * or it is revoked, expired or rotated. Throws `ConflictError`, and changes nothing, where `create` does.
   */
  rotate(
    id: string,
    succeed: (predecessor: ApiKey) => NewApiKeyRecord,
    endsAt: Date,
  ): Promise<RotatedApiKey | undefined>;
  /** Within a transaction: until it ends, nobody else changes the keys. Answers false when one is missing. */
  lock(...ids: string[]): Promise<boolean>;
  /** Deletes the record. Answers false when there was none. */
  delete(id: string): Promise<boolean>;
  /**
   * Ids of keys changed at or after this instant, revoked ones among them. With a margin before the last look it
   * tells a process what a lost announcement did not. Deleted ones are missing: revoke, announce, then delete.
   */
  listChangedSince(since: Date): Promise<string[]>;
  /** Sets `lastUsedAt` where it is earlier, in one round trip. Ids without a key are skipped. */
  touch(uses: readonly { id: string; at: Date }[]): Promise<void>;
}
