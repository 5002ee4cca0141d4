import type { AddressList, Environment, ParsedApiKey } from '@latchkey/protocol';

/** What a guard knows of an API key. Immutable: a key that changed is another object. */
export interface ApiKeyRecord {
  readonly id: string;
  readonly organizationId: string;
  readonly environment: Environment;
  readonly scopes: ReadonlySet<string>;
  /** Where it may be used from; undefined: anywhere. */
  readonly allowlist: AddressList | undefined;
  /** Of this key alone; undefined: no limit but its organisation's. */
  readonly requestsPerMinute: number | undefined;
  /** Epoch milliseconds; undefined: never. */
  readonly expiresAt: number | undefined;
  readonly revoked: boolean;
}

/** Local look-up of API keys, for services that reach the store. */
export interface ApiKeyLookup {
  /** Whether this resource server takes API keys at all (it is the operator's to say, at any time). */
  accepted(): boolean;
  /**
   * The record with this id, revoked ones too; at once where it is known, and then the same object as long as nothing
   * about the key has changed. Rejects when the store is away and nothing recent enough is known.
   */
  find(id: string): ApiKeyRecord | undefined | Promise<ApiKeyRecord | undefined>;
  /** Whether the key's secret is the record's, in constant time. Called once per key and record, then cached. */
  verify(record: ApiKeyRecord, key: ParsedApiKey): boolean;
}
