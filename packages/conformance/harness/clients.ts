import type { ClientMetadata } from '@latchkey/protocol';
import { type ApiKeyInput, createApiKey, createOperator, type IssuedApiKey } from '@latchkey/registry';
import type { Deployment } from './deployment.ts';
import { PEPPER } from './secrets.ts';
import { addClient, addSecretlessClient, ORGANIZATION, type SeededClient } from './seed.ts';

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

/** Makes an API key as an operator would: of the seed's organisation, with one scope, unless told. */
export function issueApiKey(
  { durable, shared }: Pick<Deployment, 'durable' | 'shared'>,
  input: Partial<ApiKeyInput> = {},
): Promise<IssuedApiKey> {
  const operator = createOperator({ durable, feed: shared.feed, name: 'test' });
  return createApiKey(operator, PEPPER, {
    organizationId: ORGANIZATION,
    environment: 'live',
    name: 'Test key',
    scopes: ['work-orders:read'],
    ipAllowlist: [],
    rateLimit: null,
    expiresAt: null,
    ...input,
  });
}
