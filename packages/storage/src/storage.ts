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

/** Records that must survive anything: PostgreSQL, or PGlite with the same SQL. */
export interface DurableStorage {
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
  /** Throws `StorageUnavailableError` when the store does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
