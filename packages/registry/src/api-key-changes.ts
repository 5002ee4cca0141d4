import type { ApiKey, ApiKeyChanges } from '@latchkey/storage';
import { NotFoundError } from './faults.ts';
import { type Operator, recordChange } from './operator.ts';

/** Durable first, then announced: a process that reads on hearing of it reads what was written. */
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
