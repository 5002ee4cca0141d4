import type { ApplicationType, ClientMetadata, Environment } from '@latchkey/protocol';
import type { Place } from './place.ts';

/** One live secret of a client. The secret itself is shown once, when it is made, and kept nowhere. */
export interface ClientSecret {
  id: string;
  clientId: string;
  /** HMAC-SHA-256 of the secret under the pepper (`digestSecret`). */
  digest: Buffer;
  createdAt: Date;
  /** Null: until revoked. An expiry is how a rotation gives the old secret its overlap. */
  expiresAt: Date | null;
}

/** A registered OAuth client (RFC 6749 §2). Pages call it an application. */
export interface Client {
  id: string;
  /** The organisation that owns it and on whose behalf client credentials act; null for the operator's own. */
  organizationId: string | null;
  environment: Environment;
  /** Validated by `validateClientMetadata`; what RFC 7591 §2 calls client metadata. */
  metadata: ClientMetadata;
  createdAt: Date;
  updatedAt: Date;
  disabledAt: Date | null;
  /** Secrets that have not expired, oldest first. */
  secrets: ClientSecret[];
}

export type NewClientSecret = Pick<ClientSecret, 'id' | 'clientId' | 'digest' | 'expiresAt'>;

export interface Clients {
  /** Inserts. Throws `ConflictError` when the id is taken. */
  create(client: Pick<Client, 'id' | 'organizationId' | 'environment' | 'metadata'>): Promise<Client>;
  /** The client with its unexpired secrets in one round trip; disabled ones too. */
  find(id: string): Promise<Client | undefined>;
  /** Every client, or those of an organisation, oldest first. */
  list(filter?: { organizationId?: string }): Promise<Client[]>;
  /**
   * A page of an organisation's clients in one environment, newest first; `after` is the last one before, or its place.
   * Those of the type `except` do not count: a page is short only where there are no more.
   */
  listPage(filter: {
    organizationId: string;
    environment: Environment;
    except?: ApplicationType | undefined;
    after?: Place | undefined;
    limit: number;
  }): Promise<Client[]>;
  /** Changes the named fields and `updatedAt`. `metadata` is replaced whole. */
  update(
    id: string,
    changes: Partial<Pick<Client, 'metadata' | 'organizationId' | 'environment' | 'disabledAt'>>,
  ): Promise<Client | undefined>;
  /**
   * Within a transaction: until it ends, nobody else changes the client or adds a secret to it. Answers false when
   * there is none.
   */
  lock(id: string): Promise<boolean>;
  /** Deletes the client with its secrets, grants and refresh tokens. Answers false when there was none. */
  delete(id: string): Promise<boolean>;

  /** Inserts. Throws `ConflictError` when the id is taken or there is no such client. */
  addSecret(secret: NewClientSecret): Promise<ClientSecret>;
  /**
   * `addSecret`, unless the client has `maxLive` secrets that have not expired: then it answers undefined and stores
   * nothing. However many add at once in this way, no more than `maxLive` live.
   */
  addSecretWithin(maxLive: number, secret: NewClientSecret): Promise<ClientSecret | undefined>;
  /** Sets when a live secret ends. Answers false when the client has none with this id: what has ended stays ended. */
  expireSecret(clientId: string, secretId: string, at: Date): Promise<boolean>;
  /** Ends a live secret now. Answers false when the client has none with this id. */
  revokeSecret(clientId: string, secretId: string): Promise<boolean>;
}
