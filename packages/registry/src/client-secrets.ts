import { newId, randomBase62 } from '@latchkey/protocol';
import { type Client, type ClientSecret, digestSecret, type NewClientSecret } from '@latchkey/storage';
import { getClient, usesSecrets } from './clients.ts';
import { findExpiryFaults } from './expiry.ts';
import { InvalidInputError, NotFoundError, StateError } from './faults.ts';
import { inTransaction, type Operator, recordChange } from './operator.ts';

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

export interface SecretOptions {
  /** Made here when absent. */
  secret?: string | undefined;
  /** When it ends; never when absent. */
  expiresAt?: Date | undefined;
  /** A rotation: every other secret ends then, unless it ends sooner. */
  othersExpireAt?: Date | 'now' | undefined;
  /** No bound when absent. */
  maxLive?: number | undefined;
}

/**
 * Adds a secret.
 *
 * @throws {InvalidInputError} when the client has none, or an end does not lie ahead
 * @throws {StateError} when it has `maxLive` live ones already
 */
export async function addClientSecret(
  operator: Operator,
  pepper: Buffer,
  clientId: string,
  options: SecretOptions = {},
): Promise<IssuedSecret> {
  const { secret = generateClientSecret(), expiresAt = null, maxLive } = options;
  const othersExpireAt = options.othersExpireAt === 'now' ? operator.now() : options.othersExpireAt;
  refuseExpiry(operator, 'expires_at', expiresAt);
  if (options.othersExpireAt !== 'now') refuseExpiry(operator, 'others_expire_at', options.othersExpireAt);
  const fields = { id: newId('secret'), clientId, digest: digestSecret(pepper, secret), expiresAt };
  return inTransaction(operator, async (within) => {
    await within.durable.clients.lock(clientId);
    const client = await getClient(within, clientId);
    refuseSecretless(client);
    const { id } = await storeSecret(within, fields, maxLive);
    if (othersExpireAt) await expireSecrets(within, client, othersExpireAt);
    await within.announce({ type: 'client', id: clientId });
    await recordSecretChange(within, client, 'client.secret_created', id, {
      expires_at: expiresAt?.toISOString() ?? null,
      ...(othersExpireAt && { others_expire_at: othersExpireAt.toISOString() }),
    });
    return { id, clientId, secret, expiresAt };
  });
}

function refuseSecretless({ id, metadata }: Client): void {
  if (usesSecrets(metadata)) return;
  const method = metadata.token_endpoint_auth_method;
  throw new InvalidInputError([{ field: '', message: `Client ${id} has no secrets: it uses ${method}` }]);
}

async function storeSecret(
  { durable }: Operator,
  fields: NewClientSecret,
  maxLive: number | undefined,
): Promise<ClientSecret> {
  if (maxLive === undefined) return durable.clients.addSecret(fields);
  const stored = await durable.clients.addSecretWithin(maxLive, fields);
  if (stored) return stored;
  throw new StateError(`${fields.clientId} has ${maxLive} live secrets already; revoke one first`);
}

/** Sets when a live secret ends. One that has ended stays ended. */
export async function expireClientSecret(
  operator: Operator,
  clientId: string,
  secretId: string,
  at: Date,
): Promise<void> {
  refuseExpiry(operator, 'expires_at', at);
  await inTransaction(operator, async (within) => {
    const client = await getClient(within, clientId);
    const changed = await within.durable.clients.expireSecret(clientId, secretId, at);
    if (!changed) throw new NotFoundError(`secret of ${clientId}`, secretId);
    await within.announce({ type: 'client', id: clientId });
    const details = { expires_at: at.toISOString() };
    await recordSecretChange(within, client, 'client.secret_expiry_set', secretId, details);
  });
}

/** Ends the secret now. Tokens it obtained live on; disabling the client ends those. */
export function revokeClientSecret(operator: Operator, clientId: string, secretId: string): Promise<void> {
  return inTransaction(operator, async (within) => {
    const client = await getClient(within, clientId);
    const revoked = await within.durable.clients.revokeSecret(clientId, secretId);
    if (!revoked) throw new NotFoundError(`secret of ${clientId}`, secretId);
    await within.announce({ type: 'client', id: clientId });
    await recordSecretChange(within, client, 'client.secret_revoked', secretId);
  });
}

async function expireSecrets({ durable }: Operator, client: Client, at: Date): Promise<void> {
  for (const { id, expiresAt } of client.secrets) {
    if (!expiresAt || expiresAt > at) await durable.clients.expireSecret(client.id, id, at);
  }
}

function refuseExpiry({ now }: Operator, field: string, end: Date | null | undefined): void {
  const faults = end ? findExpiryFaults(field, end, now()) : [];
  if (faults.length > 0) throw new InvalidInputError(faults);
}

function recordSecretChange(
  operator: Operator,
  { id, organizationId }: Client,
  action: string,
  secretId: ClientSecret['id'],
  details: Record<string, unknown> = {},
): Promise<void> {
  const target = { type: 'client', id };
  return recordChange(operator, action, target, {
    organizationId,
    details: { secret_id: secretId, ...details },
  });
}
