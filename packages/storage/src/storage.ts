import type { Permits } from '@latchkey/guard/permits';
import type { Accounts } from './accounts.ts';
import type { ApiKeys } from './api-keys.ts';
import type { Artifacts, Counters, Replays } from './artifacts.ts';
import type { AuditEvents } from './audit-events.ts';
import type { Clients } from './clients.ts';
import type { Grants } from './grants.ts';
import type { IdempotencyKeys } from './idempotency.ts';
import type { Manufacturing } from './manufacturing.ts';
import type { Organizations } from './organizations.ts';
import type { RefreshTokens } from './refresh-tokens.ts';
import type { ResourceServers } from './resource-servers.ts';
import type { RevocationFeed, Revocations } from './revocations.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { Usage } from './usage.ts';

/** Records that must survive anything. */
export interface DurableRecords {
  organizations: Organizations;
  accounts: Accounts;
  clients: Clients;
  apiKeys: ApiKeys;
  resourceServers: ResourceServers;
  grants: Grants;
  refreshTokens: RefreshTokens;
  signingKeys: SigningKeys;
  revocations: Revocations;
  auditEvents: AuditEvents;
  usage: Usage;
  idempotencyKeys: IdempotencyKeys;
  manufacturing: Manufacturing;
  /**
   * Runs `work` over the same records: all that it writes through them stands once it resolves, or none of it when it
   * rejects, and until then nobody else sees it. Each statement sees what others have committed meanwhile (READ
   * COMMITTED). Within `work`, another transaction joins this one. It occupies a connection: wait for nothing else
   * in it, and use no other records, which could wait for that very connection.
   */
  transaction<T>(work: (records: DurableRecords) => Promise<T>): Promise<T>;
}

/** PostgreSQL, or PGlite with the same SQL. */
export interface DurableStorage extends DurableRecords {
  /** Brings the schema to this release's version; answers the names of the migrations that ran. */
  migrate(): Promise<string[]>;
  /**
   * For a process to call before it serves. Throws `SchemaTooNewError` when the schema holds a breaking migration
   * this release does not know, `SchemaTooOldError` when it lacks one of this release's.
   */
  checkSchema(): Promise<void>;
  /** Throws `StorageUnavailableError` when the database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Records that live minutes, shared by every process: Redis, or memory within one process. */
export interface SharedStorage {
  artifacts: Artifacts;
  replays: Replays;
  counters: Counters;
  /** What rate limits lease from; the guard's own, over this store. */
  permits: Permits;
  feed: RevocationFeed;
  /** Throws `StorageUnavailableError` when the store does not answer, or takes no writes. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
