import type { ClientMetadata, Environment, Plan, Role } from '@latchkey/protocol';
import {
  CamelCasePlugin,
  type ColumnType,
  CompiledQuery,
  type Generated,
  Kysely,
  type RawBuilder,
  sql,
} from 'kysely';
import type { ApiKey } from '../api-keys.ts';
import type { AuditEvent } from '../audit-events.ts';
import type { LeakedKeyPolicy } from '../organizations.ts';
import type { SigningAlgorithm, TokenFormat } from '../resource-servers.ts';
import type { RevocationSubject } from '../revocations.ts';
import type { UsageCount } from '../usage.ts';
import { createDialect, type SqlPool } from './dialect.ts';

/** A document: read as an object, written as text (`JSON.stringify`), since pg turns arrays into SQL arrays. */
export type Json<T> = ColumnType<T, string, string>;

/** Order of insertion. bigint: compared in SQL, never read. */
type Position = ColumnType<never, never, never>;

interface OrganizationsTable {
  id: string;
  name: string;
  plan: Plan;
  rateLimit: number | null;
  ipAllowlist: ColumnType<string[], string | undefined, string>;
  leakedKeyPolicy: Generated<LeakedKeyPolicy>;
  createdAt: Date;
  updatedAt: Date;
  disabledAt: Date | null;
}

interface AccountsTable {
  id: string;
  email: string;
  emailVerified: boolean;
  name: string;
  passwordDigest: string | null;
  signInGeneration: Generated<number>;
  createdAt: Date;
  updatedAt: Date;
  disabledAt: Date | null;
}

interface MembersTable {
  organizationId: string;
  accountId: string;
  role: Role;
  createdAt: Date;
}

interface ClientsTable {
  id: string;
  organizationId: string | null;
  environment: Environment;
  metadata: Json<ClientMetadata>;
  createdAt: Date;
  updatedAt: Date;
  disabledAt: Date | null;
}

interface ClientSecretsTable {
  id: string;
  clientId: string;
  digest: Buffer;
  createdAt: Date;
  expiresAt: Date | null;
}

interface ApiKeysTable extends Omit<ApiKey, 'scopes' | 'ipAllowlist' | 'createdBy'> {
  scopes: Json<string[]>;
  ipAllowlist: Json<string[]>;
  createdByType: ApiKey['createdBy']['type'];
  createdById: string;
}

interface ResourceServersTable {
  id: string;
  identifier: string;
  name: string;
  scopes: Json<Record<string, string>>;
  tokenFormat: TokenFormat;
  tokenTtlSeconds: number;
  signingAlgorithm: SigningAlgorithm;
  acceptsApiKeys: boolean;
  isDefault: boolean;
  introspectionClientId: string | null;
  createdAt: Date;
  updatedAt: Date;
}

interface GrantsTable {
  id: string;
  accountId: string;
  clientId: string;
  organizationId: string | null;
  payload: Json<Record<string, unknown>>;
  createdAt: Date;
  expiresAt: Date;
  revokedAt: Date | null;
}

interface ConsentsTable {
  accountId: string;
  clientId: string;
  organizationId: string | null;
  payload: Json<Record<string, unknown>>;
  updatedAt: Date;
}

interface RefreshTokensTable {
  digest: Buffer;
  grantId: string;
  clientId: string;
  accountId: string;
  payload: Json<Record<string, unknown>>;
  predecessor: Buffer | null;
  createdAt: Date;
  expiresAt: Date;
  consumedAt: Date | null;
}

interface SigningKeysTable {
  kid: string;
  algorithm: SigningAlgorithm;
  publicJwk: Json<Record<string, unknown>>;
  sealedPrivateJwk: Buffer;
  createdAt: Date;
  activeAt: Date;
  retiredAt: Date | null;
}

interface RevocationsTable {
  subject: RevocationSubject;
  id: string;
  revokedAt: Date;
  expiresAt: Date;
}

interface AuditEventsTable {
  position: Position;
  id: string;
  at: Date;
  action: string;
  result: 'success' | 'failure';
  actorType: AuditEvent['actor']['type'];
  actorId: string | null;
  targetType: string | null;
  targetId: string | null;
  organizationId: string | null;
  ip: string | null;
  requestId: string | null;
  details: Json<Record<string, unknown>>;
}

interface UsageTable extends Omit<UsageCount, 'requests'> {
  /** bigint: added up in SQL, never read. */
  requests: ColumnType<never, number, never>;
}

interface IdempotencyKeysTable {
  digest: Buffer;
  fingerprint: Buffer;
  status: number | null;
  sealed: Buffer | null;
  createdAt: Date;
  expiresAt: Date;
}

/** Every table, in camelCase; the plugin turns names to snake_case and leaves documents alone. */
export interface Database {
  organizations: OrganizationsTable;
  accounts: AccountsTable;
  members: MembersTable;
  clients: ClientsTable;
  clientSecrets: ClientSecretsTable;
  apiKeys: ApiKeysTable;
  resourceServers: ResourceServersTable;
  grants: GrantsTable;
  consents: ConsentsTable;
  refreshTokens: RefreshTokensTable;
  signingKeys: SigningKeysTable;
  revocations: RevocationsTable;
  auditEvents: AuditEventsTable;
  usage: UsageTable;
  idempotencyKeys: IdempotencyKeysTable;
}

/** The present instant as SQL: the database's clock, which all processes share, unless a test gives its own. */
export type SqlNow = () => RawBuilder<Date>;

export interface PostgresContext {
  db: Kysely<Database>;
  now: SqlNow;
  /** For `coalesce($n::timestamptz, statement_timestamp())` in a query of one's own. */
  testInstant(): Date | null;
  /**
   * Runs SQL as written, for the queries of every request: building them with Kysely costs several times what the
   * driver does with them. Columns come back in camelCase; the contract suite stands in for the types.
   */
  query<R>(text: string, parameters: unknown[]): Promise<R[]>;
  /** `now`, for rows that are listed by when they were made (`Place`). */
  createdNow: SqlNow;
  /** The same within a transaction. */
  within(tx: Kysely<Database>): PostgresContext;
}

export function createContext(pool: SqlPool, now: (() => Date) | undefined): PostgresContext {
  const db = new Kysely<Database>({
    dialect: createDialect(pool),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
  return contextOf(db, () => now?.() ?? null);
}

/** Joins the transaction that `db` is, or begins one. */
export function inTransaction<R>(
  db: Kysely<Database>,
  work: (tx: Kysely<Database>) => Promise<R>,
): Promise<R> {
  return db.isTransaction ? work(db) : db.transaction().execute(work);
}

function contextOf(db: Kysely<Database>, testInstant: () => Date | null): PostgresContext {
  const now: SqlNow = () => sql<Date>`coalesce(${testInstant()}::timestamptz, statement_timestamp())`;
  return {
    db,
    now,
    createdNow: () => sql<Date>`date_trunc('milliseconds', ${now()})`,
    testInstant,
    query: async <R>(text: string, parameters: unknown[]) =>
      (await db.executeQuery(CompiledQuery.raw(text, parameters) as CompiledQuery<R>)).rows,
    within: (tx) => contextOf(tx, testInstant),
  };
}
