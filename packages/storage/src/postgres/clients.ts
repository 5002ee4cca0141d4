import type { Client, ClientSecret, Clients, NewClientSecret } from '../clients.ts';
import { inTransaction, type PostgresContext } from './database.ts';
import { lockRows } from './lock.ts';
import { isStorable } from './text.ts';

const SECRET_COLUMNS = ['id', 'clientId', 'digest', 'createdAt', 'expiresAt'] as const;

export function createPostgresClients(context: PostgresContext): Clients {
  const { db, now, createdNow, query, testInstant } = context;
  const find = async (id: string) => {
    if (!isStorable(id)) return undefined;
    return toClients(await query<ClientRow>(FIND, [testInstant(), id]))[0];
  };
  return {
    async create({ metadata, ...client }) {
      const instants = await db
        .insertInto('clients')
        .values({
          ...client,
          metadata: JSON.stringify(metadata),
          createdAt: createdNow(),
          updatedAt: now(),
          disabledAt: null,
        })
        .returning(['createdAt', 'updatedAt', 'disabledAt'])
        .executeTakeFirstOrThrow();
      return { ...client, metadata, ...instants, secrets: [] };
    },
    find,
    async list({ organizationId } = {}) {
      const rows =
        organizationId === undefined
          ? query<ClientRow>(LIST, [testInstant()])
          : query<ClientRow>(LIST_OF_ORGANIZATION, [testInstant(), organizationId]);
      return toClients(await rows);
    },
    listPage: (filter) => listPage(context, filter),
    async update(id, { metadata, ...changes }) {
      const { numUpdatedRows } = await db
        .updateTable('clients')
        .set({ ...changes, ...(metadata && { metadata: JSON.stringify(metadata) }), updatedAt: now() })
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n ? find(id) : undefined;
    },
    lock: (id) => lockRows(db, 'clients', [id]),
    async delete(id) {
      const { numDeletedRows } = await db
        .deleteFrom('clients')
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
    ...createSecrets(context),
  };
}

type Secrets = Pick<Clients, 'addSecret' | 'addSecretWithin' | 'expireSecret' | 'revokeSecret'>;

function createSecrets(context: PostgresContext): Secrets {
  const { db, now, query, testInstant } = context;
  return {
    addSecret: (secret) => addSecret(context, secret),
    addSecretWithin: (maxLive, secret) => addSecretWithin(context, maxLive, secret),
    expireSecret: async (clientId, id, at) =>
      (await query(EXPIRE_SECRET, [testInstant(), clientId, id, at])).length > 0,
    async revokeSecret(clientId, id) {
      const { numUpdatedRows } = await db
        .updateTable('clientSecrets')
        .set({ expiresAt: now() })
        .where('clientId', '=', clientId)
        .where('id', '=', id)
        .where((eb) => eb.or([eb('expiresAt', 'is', null), eb('expiresAt', '>', now())]))
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    },
  };
}

function addSecret(
  { db, now }: Pick<PostgresContext, 'db' | 'now'>,
  secret: NewClientSecret,
): Promise<ClientSecret> {
  return db
    .insertInto('clientSecrets')
    .values({ ...secret, createdAt: now() })
    .returning(SECRET_COLUMNS)
    .executeTakeFirstOrThrow();
}

/**
 * Whoever adds holds the client's row. The count is a statement of its own: one that had waited for the row would
 * count what there was before it waited.
 */
function addSecretWithin(
  { db, now }: PostgresContext,
  maxLive: number,
  secret: NewClientSecret,
): Promise<ClientSecret | undefined> {
  return inTransaction(db, async (tx) => {
    await lockRows(tx, 'clients', [secret.clientId]);
    const live = await tx
      .selectFrom('clientSecrets')
      .select('id')
      .where('clientId', '=', secret.clientId)
      .where((eb) => eb.or([eb('expiresAt', 'is', null), eb('expiresAt', '>', now())]))
      .limit(maxLive)
      .execute();
    return live.length < maxLive ? addSecret({ db: tx, now }, secret) : undefined;
  });
}

/**
 * The clock, not the statement's beginning: where this waited for a revocation of the same row, that must count as
 * past.
 */
const EXPIRE_SECRET = `
  update client_secrets set expires_at = $4
  where client_id = $2 and id = $3
    and (expires_at is null or expires_at > coalesce($1::timestamptz, clock_timestamp()))
  returning id`;

/** A row for each live secret of each client; one with nulls where there is none. $1: the instant. */
const select = (clients: string) => `
  select clients.id, clients.organization_id, clients.environment, clients.metadata, clients.created_at,
    clients.updated_at, clients.disabled_at, secret.id as secret_id, secret.digest,
    secret.created_at as secret_created_at, secret.expires_at as secret_expires_at
  from ${clients} clients
  left join client_secrets secret on secret.client_id = clients.id
    and (secret.expires_at is null or secret.expires_at > coalesce($1::timestamptz, statement_timestamp()))`;
const ORDER = 'order by clients.created_at, clients.id, secret.created_at, secret.id';
const FIND = `${select('clients')} where clients.id = $2 ${ORDER}`;
const LIST = `${select('clients')} ${ORDER}`;
const LIST_OF_ORGANIZATION = `${select('clients')} where clients.organization_id = $2 ${ORDER}`;

/** That no client has. */
const NO_TYPE = '';

/** Limited before the join: a page is of clients, however many secrets they have. */
const page = (restriction: string) => `
  ${select(`(
    select id, organization_id, environment, metadata, created_at, updated_at, disabled_at from clients
    where organization_id = $2 and environment = $3 and metadata ->> 'application_type' is distinct from $5
      ${restriction}
    order by created_at desc, id desc limit $4)`)}
  order by clients.created_at desc, clients.id desc, secret.created_at, secret.id`;
const FIRST_PAGE = page('');
const NEXT_PAGE = page('and (created_at, id) < ($6, $7)');

async function listPage(
  { query, testInstant }: PostgresContext,
  { organizationId, environment, except, after, limit }: Parameters<Clients['listPage']>[0],
): Promise<Client[]> {
  const parameters = [testInstant(), organizationId, environment, limit, except ?? NO_TYPE];
  if (after === undefined) return toClients(await query<ClientRow>(FIRST_PAGE, parameters));
  if (!isStorable(after.id)) return [];
  return toClients(await query<ClientRow>(NEXT_PAGE, [...parameters, after.createdAt, after.id]));
}

interface ClientRow extends Omit<Client, 'secrets'> {
  secretId: string | null;
  digest: Buffer | null;
  secretCreatedAt: Date | null;
  secretExpiresAt: Date | null;
}

function toClients(rows: ClientRow[]): Client[] {
  const clients = new Map<string, Client>();
  for (const { secretId, digest, secretCreatedAt, secretExpiresAt, ...fields } of rows) {
    const client = clients.get(fields.id) ?? { ...fields, secrets: [] as ClientSecret[] };
    clients.set(fields.id, client);
    if (secretId && digest && secretCreatedAt) {
      client.secrets.push({
        id: secretId,
        clientId: fields.id,
        digest,
        createdAt: secretCreatedAt,
        expiresAt: secretExpiresAt,
      });
    }
  }
  return [...clients.values()];
}
