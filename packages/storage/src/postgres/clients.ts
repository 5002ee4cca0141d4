import type { Client, ClientSecret, Clients } from '../clients.ts';
import type { PostgresContext } from './database.ts';
import { isStorable } from './text.ts';

const SECRET_COLUMNS = ['id', 'clientId', 'digest', 'createdAt', 'expiresAt'] as const;

export function createPostgresClients(context: PostgresContext): Clients {
  const { db, now, query, testInstant } = context;
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
          createdAt: now(),
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
    async update(id, { metadata, ...changes }) {
      const { numUpdatedRows } = await db
        .updateTable('clients')
        .set({ ...changes, ...(metadata && { metadata: JSON.stringify(metadata) }), updatedAt: now() })
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n ? find(id) : undefined;
    },
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

function createSecrets({
  db,
  now,
}: PostgresContext): Pick<Clients, 'addSecret' | 'expireSecret' | 'revokeSecret'> {
  const expire = async (clientId: string, id: string, at: Date | ReturnType<typeof now>) => {
    const { numUpdatedRows } = await db
      .updateTable('clientSecrets')
      .set({ expiresAt: at })
      .where('clientId', '=', clientId)
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  };
  return {
    addSecret: (secret) =>
      db
        .insertInto('clientSecrets')
        .values({ ...secret, createdAt: now() })
        .returning(SECRET_COLUMNS)
        .executeTakeFirstOrThrow(),
    expireSecret: expire,
    revokeSecret: (clientId, id) => expire(clientId, id, now()),
  };
}

/** A row for each live secret of each client; one with nulls where there is none. $1: the instant. */
const SELECT = `
  select clients.id, clients.organization_id, clients.environment, clients.metadata, clients.created_at,
    clients.updated_at, clients.disabled_at, secret.id as secret_id, secret.digest,
    secret.created_at as secret_created_at, secret.expires_at as secret_expires_at
  from clients
  left join client_secrets secret on secret.client_id = clients.id
    and (secret.expires_at is null or secret.expires_at > coalesce($1::timestamptz, statement_timestamp()))`;
const ORDER = 'order by clients.created_at, clients.id, secret.created_at, secret.id';
const FIND = `${SELECT} where clients.id = $2 ${ORDER}`;
const LIST = `${SELECT} ${ORDER}`;
const LIST_OF_ORGANIZATION = `${SELECT} where clients.organization_id = $2 ${ORDER}`;

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
