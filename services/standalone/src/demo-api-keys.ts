import { DATA_SCOPES, type Environment, parseApiKey } from '@latchkey/protocol';
import { createApiKey, type Operator } from '@latchkey/registry';
import { DEMO_ORGANIZATION } from './demo.ts';
import type { ApiKeys, Secrets } from './secrets.ts';

/**
 * A key for each environment that works. One that was revoked, deleted or has expired stays so: it is followed by a new
 * one, never brought back.
 */
export async function prepareApiKeys(
  operator: Operator,
  pepper: Buffer,
  kept: Secrets['api_keys'],
): Promise<ApiKeys> {
  const keyFor = async (environment: Environment) => {
    const key = kept[environment];
    const isGood = key !== undefined && (await works(operator, key));
    return isGood ? key : makeKey(operator, pepper, environment);
  };
  return { live: await keyFor('live'), test: await keyFor('test') };
}

async function works({ durable, now }: Operator, key: string): Promise<boolean> {
  const parsed = parseApiKey(key);
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
