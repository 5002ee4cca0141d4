import { newId, randomBase62 } from '@latchkey/protocol';
import { parseClientMetadata, purgeExpired, revokeApiKey } from '@latchkey/registry';
import type { UsageCount } from '@latchkey/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRegistry, faultsOf, inSeconds, makeApiKey, type Registry } from './registry.ts';

const DAY = 86_400;
const NOTHING = { refreshTokens: 0, grants: 0, revocations: 0, idempotencyKeys: 0, usage: 0 };
const METADATA = parseClientMetadata({
  client_name: 'Portal',
  application_type: 'web',
  redirect_uris: ['https://portal.example/callback'],
});

let registry: Registry;
beforeAll(async () => {
  registry = await createRegistry();
});
afterAll(() => registry?.close());
beforeEach(() => registry.takeAudited());

const count = (minute: Date): UsageCount => ({
  organizationId: 'org_a',
  environment: 'live',
  credentialType: 'api_key',
  credentialId: 'key_1',
  route: 'GET /',
  statusClass: 2,
  minute,
  requests: 1,
});

/** One of each that ends in a minute, and a second grant with a token that end in a year. */
async function seed() {
  const { durable } = registry;
  const accountId = newId('account');
  const clientId = newId('client');
  const email = `${accountId}@example.com`;
  await durable.accounts.create({ id: accountId, email, name: 'Ada', passwordDigest: null });
  await durable.clients.create({
    id: clientId,
    organizationId: null,
    environment: 'live',
    metadata: METADATA,
  });
  const tokens: string[] = [];
  for (const seconds of [60, 365 * DAY]) {
    const grant = { id: newId('grant'), accountId, clientId, payload: {} };
    const expiresAt = inSeconds(registry, seconds);
    await durable.grants.put({ ...grant, organizationId: null, expiresAt });
    const value = randomBase62(43);
    await durable.refreshTokens.put({
      value,
      grantId: grant.id,
      accountId,
      clientId,
      payload: {},
      expiresAt,
    });
    tokens.push(value);
  }
  const revocation = { subject: 'grant', id: newId('grant'), revokedAt: inSeconds(registry, 0) } as const;
  await durable.revocations.put({ ...revocation, expiresAt: inSeconds(registry, 60) });
  const digest = Buffer.from(randomBase62(32));
  await durable.idempotencyKeys.claim(digest, Buffer.of(1), 60);
  return { tokens, revocation };
}

describe('a purge', () => {
  it('deletes what has been over for a day, tells how many of each, and finds nothing the next time', async () => {
    const { tokens, revocation } = await seed();
    const { durable, operator } = registry;
    registry.pass(60 + DAY);
    expect(await purgeExpired(operator)).toEqual(NOTHING);
    expect(await durable.revocations.findAny([revocation])).toHaveLength(1);
    expect(await registry.takeAudited()).toEqual([]);
    registry.pass(1);
    const one = { refreshTokens: 1, grants: 1, revocations: 1, idempotencyKeys: 1, usage: 0 };
    expect(await purgeExpired(operator)).toEqual(one);
    expect(await durable.revocations.findAny([revocation])).toEqual([]);
    const found = await Promise.all(tokens.map((value) => durable.refreshTokens.find(value)));
    expect(found).toEqual([undefined, expect.objectContaining({ payload: {} })]);
    expect((await registry.takeAudited()).map(({ action, details }) => [action, details])).toEqual([
      [
        'records.purged',
        {
          refresh_tokens: 1,
          grants: 1,
          revocations: 1,
          idempotency_keys: 1,
          usage: 0,
          usage_retention_days: 400,
        },
      ],
    ]);
    expect(await purgeExpired(operator)).toEqual(NOTHING);
  });

  it('deletes usage older than its retention, 400 days unless said', async () => {
    const { durable, operator } = registry;
    const ages = [401, 399, 31, 29];
    await durable.usage.add(ages.map((days) => count(inSeconds(registry, -days * DAY))));
    expect(await purgeExpired(operator)).toEqual({ ...NOTHING, usage: 1 });
    expect(await purgeExpired(operator, { usageRetentionDays: 30 })).toEqual({ ...NOTHING, usage: 2 });
    const asked = { organizationId: 'org_a', environment: 'live', interval: 'day', limit: 10 } as const;
    const period = { from: inSeconds(registry, -500 * DAY), to: inSeconds(registry, 0) };
    expect(await durable.usage.list({ ...asked, ...period })).toHaveLength(1);
  });

  it('keeps the audit log and API keys that were revoked, however old', async () => {
    const { id } = (await makeApiKey(registry)).apiKey;
    await revokeApiKey(registry.operator, id);
    registry.pass(20 * 365 * DAY);
    await purgeExpired(registry.operator, { usageRetentionDays: 1 });
    const events = await registry.durable.auditEvents.list({ targetId: id, limit: 10 });
    expect(events.map(({ action }) => action)).toEqual(['api_key.revoked', 'api_key.created']);
    expect(await registry.durable.apiKeys.find(id)).toMatchObject({ id });
  });

  it.each([0, -1, 0.5, Number.NaN, 36_501])('with a retention of %s days is refused', async (days) => {
    const attempt = purgeExpired(registry.operator, { usageRetentionDays: days });
    expect(await faultsOf(attempt)).toEqual(['usage_retention_days']);
  });
});
