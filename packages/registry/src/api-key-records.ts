import type { ApiKey, ApiKeyChanges } from '@latchkey/storage';
import { NotFoundError } from './faults.ts';
import { type Operator, recordChange } from './operator.ts';

export async function getApiKey({ durable }: Operator, id: string): Promise<ApiKey> {
  const apiKey = await durable.apiKeys.find(id);
  if (!apiKey) throw new NotFoundError('API key', id);
  return apiKey;
}

/** As it is while nobody else can change it; within a transaction. */
export async function lockApiKey(operator: Operator, id: string): Promise<ApiKey> {
  await operator.durable.apiKeys.lock(id);
  return getApiKey(operator, id);
}

export async function writeApiKey(operator: Operator, id: string, changes: ApiKeyChanges): Promise<ApiKey> {
  const apiKey = await operator.durable.apiKeys.update(id, changes);
  if (!apiKey) throw new NotFoundError('API key', id);
  await operator.announce({ type: 'api_key', id });
  return apiKey;
}

export function recordApiKeyChange(
  operator: Operator,
  action: string,
  { id, organizationId }: ApiKey,
  details: Record<string, unknown> = {},
): Promise<void> {
  return recordChange(operator, action, { type: 'api_key', id }, { organizationId, details });
}
