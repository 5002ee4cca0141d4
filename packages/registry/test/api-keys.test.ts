import { mintApiKey, parseApiKey } from '@latchkey/protocol';
import {
  type ApiKeyInput,
  DEFAULT_API_KEY_SCOPES,
  deleteApiKey,
  disableOrganization,
  enableOrganization,
  getApiKey,
  NotFoundError,
  revokeApiKey,
  rotateApiKey,
  StateError,
  updateApiKey,
} from '@latchkey/registry';
import { digestSecret } from '@latchkey/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ACTOR,
  createRegistry,
  faultsOf,
  inSeconds,
  makeApiKey,
  ORIGIN,
  type Registry,
  SETTINGS,
} from './registry.ts';

const DAY = 86_400;

let registry: Registry;
beforeAll(async () => {
  registry = await createRegistry();
});
afterAll(() => registry?.close());
beforeEach(async () => {
  registry.takeAnnounced();
  await registry.takeAudited();
});

const make = (more: Partial<ApiKeyInput> = {}) => makeApiKey(registry, more);
const rotate = (id: string, overlapSeconds = DAY) =>
  rotateApiKey(registry.operator, registry.pepper, id, { overlapSeconds });
const inYears = (years: number) => inSeconds(registry, years * 365 * DAY);

describe('a new API key', () => {
  it('is answered whole once, and stored as a digest of its secret', async () => {
    const { apiKey, key } = await make({
      ipAllowlist: ['192.0.2.0/24'],
      rateLimit: 60,
      expiresAt: inYears(1),
    });
    const parsed = parseApiKey(key);
    expect(parsed).toMatchObject({ id: apiKey.id, environment: 'live' });
    expect(apiKey.digest).toEqual(digestSecret(registry.pepper, String(parsed?.secret)));
    expect(apiKey).toMatchObject({
      ...SETTINGS,
      ipAllowlist: ['192.0.2.0/24'],
      rateLimit: 60,
      expiresAt: inYears(1),
      lastFour: key.slice(-4),
      createdBy: ACTOR,
    });
    expect(await getApiKey(registry.operator, apiKey.id)).toEqual(apiKey);
    expect(JSON.stringify(apiKey)).not.toContain(String(parsed?.secret));
  });

  it('may have every default scope, and those of a resource server that accepts API keys', async () => {
    const server = { name: 'X', tokenFormat: 'jwt', tokenTtlSeconds: 60, signingAlgorithm: 'ES256' } as const;
    const more = { isDefault: false, introspectionClientId: null };
    const { resourceServers } = registry.durable;
    const scopes = (name: string) => ({ [name]: 'Do it' });
    for (const [name, acceptsApiKeys] of [
      ['ledger', true],
      ['vault', false],
    ] as const) {
      const identifier = `https://${name}.example`;
      await resourceServers.create({
        ...server,
        ...more,
        id: `rs_${name}`,
        identifier,
        scopes: { ...scopes(`${name}:read`), ...scopes('email') },
        acceptsApiKeys,
      });
    }
    const wanted = [...DEFAULT_API_KEY_SCOPES, 'api-keys:write', 'ledger:read'];
    expect((await make({ scopes: wanted })).apiKey.scopes).toEqual(wanted);
    expect(await faultsOf(make({ scopes: ['ledger:read', 'vault:read'] }))).toEqual(['scopes[1]']);
    // Of OpenID Connect, whoever claims it.
    expect(await faultsOf(make({ scopes: ['email', 'openid'] }))).toEqual(['scopes[0]', 'scopes[1]']);
  });

  it('holds each scope and each range once', async () => {
    const scopes = ['quality:read', 'inventory:read', 'quality:read'];
    const { apiKey } = await make({ scopes, ipAllowlist: ['::1', '192.0.2.1', '::1'] });
    expect(apiKey).toMatchObject({
      scopes: ['quality:read', 'inventory:read'],
      ipAllowlist: ['::1', '192.0.2.1'],
    });
  });

  it.each<[what: string, more: () => Partial<ApiKeyInput>, fields: string[]]>([
    ['no name', () => ({ name: ' ' }), ['name']],
    ['a name too long', () => ({ name: 'x'.repeat(201) }), ['name']],
    ['a name that reads backwards', () => ({ name: 'a\u202eb' }), ['name']],
    ['a name that is a key', () => ({ name: `old: ${mintApiKey('live').key}` }), ['name']],
    ['no scope', () => ({ scopes: [] }), ['scopes']],
    ['an unknown scope', () => ({ scopes: ['quality:read', 'quality:*'] }), ['scopes[1]']],
    ['a name of the prototype for a scope', () => ({ scopes: ['constructor'] }), ['scopes[0]']],
    ['a broken range', () => ({ ipAllowlist: ['10.0.0.0/8', '10.0.0.0/33'] }), ['ip_allowlist[1]']],
    ['a host name for an address', () => ({ ipAllowlist: ['example.com'] }), ['ip_allowlist[0]']],
    [
      '101 ranges',
      () => ({ ipAllowlist: Array.from({ length: 101 }, (_, n) => `10.0.0.${n}`) }),
      ['ip_allowlist'],
    ],
    ['a limit of nothing', () => ({ rateLimit: 0 }), ['rate_limit']],
    ['a limit of half a request', () => ({ rateLimit: 1.5 }), ['rate_limit']],
    ['a limit beyond numbers', () => ({ rateLimit: 1e9 + 1 }), ['rate_limit']],
    ['an expiry now', () => ({ expiresAt: inSeconds(registry, 0) }), ['expires_at']],
    ['an expiry after eleven years', () => ({ expiresAt: inYears(11) }), ['expires_at']],
    ['an expiry that is no date', () => ({ expiresAt: new Date('soon') }), ['expires_at']],
    ['several faults', () => ({ name: '', scopes: [], rateLimit: -1 }), ['name', 'scopes', 'rate_limit']],
  ])('is refused with %s, and nothing is written', async (_, more, fields) => {
    const page = { organizationId: 'org_a', limit: 1000 };
    const before = await registry.durable.apiKeys.list(page);
    expect(await faultsOf(make(more()))).toEqual(fields);
    expect(await registry.durable.apiKeys.list(page)).toEqual(before);
    expect(await registry.takeAudited()).toEqual([]);
  });

  it('is refused to an organisation that is disabled, or is none', async () => {
    await disableOrganization(registry.operator, 'org_b');
    await expect(make({ organizationId: 'org_b' })).rejects.toThrow(StateError);
    await enableOrganization(registry.operator, 'org_b');
    await expect(make({ organizationId: 'org_none' })).rejects.toThrow(NotFoundError);
  });
});

describe('a changed API key', () => {
  it('keeps what is not named, and gives up what is null', async () => {
    const { apiKey } = await make({ rateLimit: 5, expiresAt: inYears(1), ipAllowlist: ['::1'] });
    const updated = await updateApiKey(registry.operator, apiKey.id, { name: 'Line 4', rateLimit: null });
    expect(updated).toEqual({ ...apiKey, name: 'Line 4', rateLimit: null });
    expect(await updateApiKey(registry.operator, apiKey.id, { expiresAt: null, ipAllowlist: [] })).toEqual({
      ...updated,
      expiresAt: null,
      ipAllowlist: [],
    });
  });

  it('follows the rules of a new one', async () => {
    const { id } = (await make()).apiKey;
    const attempt = updateApiKey(registry.operator, id, { name: '', scopes: ['nope'], ipAllowlist: ['x'] });
    expect(await faultsOf(attempt)).toEqual(['name', 'ip_allowlist[0]']);
    expect(await faultsOf(updateApiKey(registry.operator, id, { scopes: ['nope'] }))).toEqual(['scopes[0]']);
  });

  it('is never brought back: neither revoked nor expired ones can be changed', async () => {
    const { id: revoked } = (await make()).apiKey;
    await revokeApiKey(registry.operator, revoked);
    const { id: expired } = (await make({ expiresAt: inSeconds(registry, 60) })).apiKey;
    registry.pass(60);
    for (const id of [revoked, expired]) {
      await expect(updateApiKey(registry.operator, id, { expiresAt: null })).rejects.toThrow(StateError);
    }
    await expect(updateApiKey(registry.operator, 'key_none', {})).rejects.toThrow(NotFoundError);
  });
});

describe('a revoked API key', () => {
  it('stays revoked at the first instant, and running processes are told again', async () => {
    const { id } = (await make()).apiKey;
    const first = await revokeApiKey(registry.operator, id);
    registry.takeAnnounced();
    registry.pass(60);
    expect((await revokeApiKey(registry.operator, id)).revokedAt).toEqual(first.revokedAt);
    expect(registry.takeAnnounced().map(({ event }) => event)).toEqual([{ type: 'api_key', id }]);
    const revocations = (await registry.takeAudited()).filter(({ action }) => action === 'api_key.revoked');
    expect(revocations).toHaveLength(1);
  });

  it('is revoked once, whoever else revokes it at the same time', async () => {
    const { id } = (await make()).apiKey;
    await registry.takeAudited();
    await Promise.all(Array.from({ length: 5 }, () => revokeApiKey(registry.operator, id)));
    expect((await registry.takeAudited()).map(({ action }) => action)).toEqual(['api_key.revoked']);
  });

  it('is revoked and announced before its record goes', async () => {
    const { apiKey } = await make();
    registry.takeAnnounced();
    await deleteApiKey(registry.operator, apiKey.id);
    const seen = registry.takeAnnounced().map((announcement) => announcement.seen);
    expect(seen).toEqual([expect.objectContaining({ revokedAt: registry.operator.now() }), undefined]);
    await expect(deleteApiKey(registry.operator, apiKey.id)).rejects.toThrow(NotFoundError);
  });
});

describe('every change of an API key', () => {
  it('is durable when it is announced, and in the audit log', async () => {
    const { apiKey: made } = await make();
    const [creation] = registry.takeAnnounced();
    expect(creation).toMatchObject({ event: { type: 'api_key', id: made.id }, seen: made });
    const updated = await updateApiKey(registry.operator, made.id, { rateLimit: 9 });
    expect(registry.takeAnnounced()).toMatchObject([{ seen: updated }]);
    const { apiKey: successor } = await rotate(made.id);
    expect(registry.takeAnnounced()).toMatchObject([
      { seen: successor },
      { event: { id: made.id }, seen: { successorId: successor.id, expiresAt: inSeconds(registry, DAY) } },
    ]);
    const logged = (await registry.durable.auditEvents.list({ limit: 1000 })).length;
    const revoked = await revokeApiKey(registry.operator, made.id);
    expect(registry.takeAnnounced()).toMatchObject([{ seen: revoked, audited: logged + 1 }]);
  });

  it('is in the audit log with who, from where and what, and without any secret', async () => {
    const { apiKey, key } = await make({ expiresAt: inYears(1) });
    await updateApiKey(registry.operator, apiKey.id, { ipAllowlist: ['::1'], expiresAt: null });
    const { apiKey: successor, key: next } = await rotate(apiKey.id);
    await revokeApiKey(registry.operator, apiKey.id);
    await deleteApiKey(registry.operator, apiKey.id);
    const events = await registry.takeAudited();
    expect(events.map(({ action, target, details }) => [action, target?.id, details])).toEqual([
      [
        'api_key.created',
        apiKey.id,
        {
          name: 'Line 3',
          environment: 'live',
          scopes: ['work-orders:read'],
          expires_at: apiKey.expiresAt?.toISOString(),
        },
      ],
      ['api_key.updated', apiKey.id, { changed: ['ip_allowlist', 'expires_at'] }],
      ['api_key.created', successor.id, expect.objectContaining({ predecessor_id: apiKey.id })],
      [
        'api_key.rotated',
        apiKey.id,
        { successor_id: successor.id, expires_at: inSeconds(registry, DAY).toISOString() },
      ],
      ['api_key.revoked', apiKey.id, {}],
      ['api_key.deleted', apiKey.id, { name: 'Line 3' }],
    ]);
    for (const event of events) {
      expect(event).toMatchObject({ actor: ACTOR, ...ORIGIN, organizationId: 'org_a', result: 'success' });
    }
    const log = JSON.stringify(events);
    for (const shown of [key, next]) expect(log).not.toContain(String(parseApiKey(shown)?.secret));
  });
});
