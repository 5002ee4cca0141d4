import type { Client, ClientSecret, Clients } from '../clients.ts';
import type { PostgresContext } from './database.ts';
import { isStorable } from './text.ts';

const SECRET_COLUMNS = ['id', 'clientId', 'digest', 'createdAt', 'expiresAt'] as const;

export function createPostgresClients(context: PostgresContext): Clients {
  const { db, now } = context;
  const find = async (id: string) => {
    if (!isStorable(id)) return undefined;
    const rows = await selectWithSecrets(context).where('clients.id', '=', id).execute();
    return toClients(rows)[0];
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
      const query = selectWithSecrets(context).orderBy('clients.createdAt').orderBy('clients.id');
      const rows = await (organizationId === undefined
        ? query
        : query.where('clients.organizationId', '=', organizationId)
      ).execute();
      return toClients(rows);
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

/** A row for each live secret of each client, oldest first; one with nulls where there is none. */
function selectWithSecrets({ db, now }: PostgresContext) {
  return db
    .selectFrom('clients')
    .leftJoin('clientSecrets', (join) =>
      join
        .onRef('clientSecrets.clientId', '=', 'clients.id')
        .on((eb) =>
          eb.or([eb('clientSecrets.expiresAt', 'is', null), eb('clientSecrets.expiresAt', '>', now())]),
        ),
    )
    .select([
      'clients.id',
      'clients.organizationId',
      'clients.environment',
      'clients.metadata',
      'clients.createdAt',
      'clients.updatedAt',
      'clients.disabledAt',
      'clientSecrets.id as secretId',
      'clientSecrets.digest',
      'clientSecrets.createdAt as secretCreatedAt',
      'clientSecrets.expiresAt as secretExpiresAt',
    ])
    .orderBy('clientSecrets.createdAt')
    .orderBy('clientSecrets.id');
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
