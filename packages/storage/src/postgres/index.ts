import { CompiledQuery } from 'kysely';
import type { DurableRecords, DurableStorage } from '../storage.ts';
import { createPostgresAccounts } from './accounts.ts';
import { createPostgresApiKeys } from './api-keys.ts';
import { createPostgresAuditEvents } from './audit-events.ts';
import { createPostgresClients } from './clients.ts';
import { createContext, inTransaction, type PostgresContext } from './database.ts';
import type { SqlPool } from './dialect.ts';
import { createPostgresGrants } from './grants.ts';
import { createPostgresIdempotencyKeys } from './idempotency.ts';
import { createPostgresManufacturing } from './manufacturing/index.ts';
import { checkSchema, migrate, readMigrations } from './migrate.ts';
import { createPostgresOrganizations } from './organizations.ts';
import { createPgPool, type PoolOptions } from './pool.ts';
import { createPostgresRefreshTokens } from './refresh-tokens.ts';
import { createPostgresResourceServers } from './resource-servers.ts';
import { createPostgresRevocations } from './revocations.ts';
import { createPostgresSigningKeys } from './signing-keys.ts';
import { createPostgresUsage } from './usage.ts';

export interface PostgresOptions extends PoolOptions {
  /** Replaces the database's clock; for tests. */
  now?: () => Date;
}

/** Connects when first used, and again whenever it has to: a database that is away at the start is no fault. */
export function openPostgres({ now, ...options }: PostgresOptions): DurableStorage {
  return createDurableStorage(createPgPool(options), now);
}

/** Every durable record over one pool. */
export function createDurableStorage(pool: SqlPool, now?: () => Date): DurableStorage {
  const context = createContext(pool, now);
  return {
    ...createRecords(context),
    migrate: () => migrate(pool, readMigrations()),
    checkSchema: () => checkSchema(pool, readMigrations()),
    async ping() {
      await context.db.executeQuery(CompiledQuery.raw('select 1'));
    },
    // Not `db.destroy()`: it leaves the pool open when no query was made through it.
    close: () => pool.end(),
  };
}

function createRecords(context: PostgresContext): DurableRecords {
  return {
    organizations: createPostgresOrganizations(context),
    accounts: createPostgresAccounts(context),
    clients: createPostgresClients(context),
    apiKeys: createPostgresApiKeys(context),
    resourceServers: createPostgresResourceServers(context),
    grants: createPostgresGrants(context),
    refreshTokens: createPostgresRefreshTokens(context),
    signingKeys: createPostgresSigningKeys(context),
    revocations: createPostgresRevocations(context),
    auditEvents: createPostgresAuditEvents(context),
    usage: createPostgresUsage(context),
    idempotencyKeys: createPostgresIdempotencyKeys(context),
    manufacturing: createPostgresManufacturing(context),
    transaction: (work) => inTransaction(context.db, (tx) => work(createRecords(context.within(tx)))),
  };
}
