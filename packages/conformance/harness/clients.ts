import type { ClientMetadata } from '@latchkey/protocol';
import type { Deployment } from './deployment.ts';
import { PEPPER } from './secrets.ts';
import { addClient, addSecretlessClient, type SeededClient } from './seed.ts';

/** Registers one more client, for what no client of the seed is. */
export function registerClient(
  { durable }: Pick<Deployment, 'durable'>,
  id: string,
  metadata: Partial<ClientMetadata>,
): Promise<SeededClient> {
  return addClient(durable, PEPPER, id, metadata);
}

export function registerSecretlessClient(
  { durable }: Pick<Deployment, 'durable'>,
  id: string,
  metadata: Partial<ClientMetadata>,
): Promise<{ client_id: string }> {
  return addSecretlessClient(durable, id, metadata);
}
