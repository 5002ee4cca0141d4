import { newId, randomBase62 } from '@latchkey/protocol';
import { type Client, type ClientSecret, digestSecret } from '@latchkey/storage';
import { getClient, usesSecrets } from './clients.ts';
import { InvalidInputError, NotFoundError } from './faults.ts';
import { type Operator, recordChange } from './operator.ts';

/** A secret as it is handed over, which happens once. */
export interface IssuedSecret {
  id: string;
  clientId: string;
  secret: string;
  expiresAt: Date | null;
}

/** 256 bits in letters and digits: safe in forms, shells and HTTP Basic without any escape. */
export function generateClientSecret(): string {
  return randomBase62(43);
}

/**
 * Adds a secret, made here unless one is given. With `othersExpireAt` it is a rotation: every other secret ends
 * then, unless it ends sooner.
 */
export async function addClientSecret(
  operator: Operator,
  pepper: Buffer,
  clientId: string,
  options: { secret?: string; othersExpireAt?: Date } = {},
): Promise<IssuedSecret> {
  const client = await getClient(operator, clientId);
  if (!usesSecrets(client.metadata)) {
    const method = client.metadata.token_endpoint_auth_method;
    throw new InvalidInputError([
      { field: '', message: `Client ${clientId} has no secrets: it uses ${method}` },
    ]);
  }
  const { secret = generateClientSecret(), othersExpireAt } = options;
  const digest = digestSecret(pepper, secret);
  const stored = await operator.durable.clients.addSecret({
    id: newId('secret'),
    clientId,
    digest,
    expiresAt: null,
  });
  if (othersExpireAt) await expireSecrets(operator, client, othersExpireAt);
  await operator.announce({ type: 'client', id: clientId });
  await recordSecretChange(operator, client, 'client.secret_created', stored.id);
  return { id: stored.id, clientId, secret, expiresAt: null };
}

/** Ends the secret now. Tokens it obtained live on; disabling the client ends those. */
export async function revokeClientSecret(
  operator: Operator,
  clientId: string,
  secretId: string,
): Promise<void> {
  const client = await getClient(operator, clientId);
  const revoked = await operator.durable.clients.revokeSecret(clientId, secretId);
  if (!revoked) throw new NotFoundError(`secret of ${clientId}`, secretId);
  await operator.announce({ type: 'client', id: clientId });
  await recordSecretChange(operator, client, 'client.secret_revoked', secretId);
}

async function expireSecrets({ durable }: Operator, client: Client, at: Date): Promise<void> {
  for (const { id, expiresAt } of client.secrets) {
    if (!expiresAt || expiresAt > at) await durable.clients.expireSecret(client.id, id, at);
  }
}

function recordSecretChange(
  operator: Operator,
  { id, organizationId }: Client,
  action: string,
  secretId: ClientSecret['id'],
): Promise<void> {
  return recordChange(
    operator,
    action,
    { type: 'client', id },
    { organizationId, details: { secret_id: secretId } },
  );
}
