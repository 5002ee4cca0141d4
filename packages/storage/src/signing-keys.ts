import type { SigningAlgorithm } from './resource-servers.ts';

/**
 * A key pair that signs tokens. What it does at an instant follows from its times alone, so that every process
 * changes over at the same moment without a word between them:
 * published from `createdAt`, signing from `activeAt` until the next key of its algorithm does, gone from the
 * JWKS at `retiredAt`.
 */
export interface SigningKey {
  kid: string;
  algorithm: SigningAlgorithm;
  publicJwk: Record<string, unknown>;
  /** AES-256-GCM under the encryption key, with `kid` as associated data (`sealPrivateJwk`). */
  sealedPrivateJwk: Buffer;
  createdAt: Date;
  activeAt: Date;
  /** Null until the successor of the key is known. */
  retiredAt: Date | null;
}

export interface SigningKeys {
  /** Every key that is not past `retiredAt`, by `activeAt`, oldest first. */
  list(): Promise<SigningKey[]>;
  /** Every key ever, retired ones too, by `activeAt`, oldest first. */
  listAll(): Promise<SigningKey[]>;
  /** Inserts a key unless `list` has one of its algorithm. Of any number of parallel callers one wins. */
  createFirst(key: Omit<SigningKey, 'createdAt' | 'retiredAt'>): Promise<boolean>;
  /**
   * Inserts a successor and sets `retiredAt` on the algorithm's keys that have none, in one transaction.
   * Throws `ConflictError` when a key of the algorithm is waiting for its `activeAt` already.
   */
  rotate(key: Omit<SigningKey, 'createdAt' | 'retiredAt'>, previousRetiredAt: Date): Promise<SigningKey>;
  /** Sets when the key leaves the JWKS, unless it does so sooner already. Answers false when there is no such key. */
  retire(kid: string, at: Date): Promise<boolean>;
}
