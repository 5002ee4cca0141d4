import { DATA_SCOPES, ENVIRONMENTS, type Environment, parseApiKey } from '@latchkey/protocol';
import { createApiKey, type Operator } from '@latchkey/registry';
import { DEMO_ORGANIZATION } from './demo.ts';
import type { ApiKeys } from './secrets.ts';

/**
 * A key for each environment that works. One that was revoked, deleted or has expired stays so: it is followed by a new
 * one, never brought back.
 */
export async function prepareApiKeys(
  operator: Operator,
  pepper: Buffer,
  kept: Partial<ApiKeys>,
): Promise<ApiKeys> {
  const keys = { ...kept };
  for (const environment of ENVIRONMENTS) {
    if (await works(operator, keys[environment])) continue;
    keys[environment] = await makeKey(operator, pepper, environment);
  }
  return keys as ApiKeys;
}

async function works({ durable, now }: Operator, key: string | undefined): Promise<boolean> {
  const parsed = key === undefined ? undefined : parseApiKey(key);
  const record = parsed && (await durable.apiKeys.find(parsed.id));
  if (!record || record.revokedAt) return false;
  return record.expiresAt === null || record.expiresAt > now();
}

async function makeKey(operator: Operator, pepper: Buffer, environment: Environment): Promise<string> {
  const { key } = await createApiKey(operator, pepper, {
    organizationId: DEMO_ORGANIZATION,
    environment,
    name: environment === 'live' ? 'Demo key' : 'Demo key for test data',
    scopes: Object.keys(DATA_SCOPES),
    ipAllowlist: [],
    rateLimit: null,
    expiresAt: null,
  });
  return key;
}
