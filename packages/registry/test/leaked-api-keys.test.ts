import { mintApiKey } from '@latchkey/protocol';
import {
  getApiKey,
  NotFoundError,
  reportLeakedApiKey,
  revokeApiKey,
  updateOrganization,
} from '@latchkey/registry';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRegistry, makeApiKey, type Registry } from './registry.ts';

const REPORT = { url: 'https://github.com/acme/app/blob/main/config.js', source: 'content' };

const DAY = 86_400;

let registry: Registry;
beforeAll(async () => {
  registry = await createRegistry();
  await updateOrganization(registry.operator, 'org_b', { leaked_key_policy: 'notify' });
});
afterAll(() => registry?.close());
beforeEach(async () => {
  registry.takeAnnounced();
  await registry.takeAudited();
});

async function make(organizationId: string): Promise<string> {
  const { apiKey } = await makeApiKey(registry, { organizationId });
  registry.takeAnnounced();
  await registry.takeAudited();
  return apiKey.id;
}

const report = (id: string, more: Partial<typeof REPORT> = {}) =>
  reportLeakedApiKey(registry.operator, id, { ...REPORT, ...more });
const actions = async () => (await registry.takeAudited()).map(({ action }) => action);

describe('an API key that was found in public', () => {
  it('is revoked, unless its organisation has chosen otherwise', async () => {
    const id = await make('org_a');
    expect(await report(id)).toBe('revoked');
    const now = registry.operator.now();
    expect(await getApiKey(registry.operator, id)).toMatchObject({ revokedAt: now, leakedAt: now });
    expect(registry.takeAnnounced()).toMatchObject([
      { event: { type: 'api_key', id }, seen: { revokedAt: now } },
    ]);
    const events = await registry.takeAudited();
    expect(events.map(({ action, organizationId, details }) => [action, organizationId, details])).toEqual([
      ['api_key.leaked', 'org_a', { outcome: 'revoked', ...REPORT }],
      ['api_key.revoked', 'org_a', { reason: 'leaked' }],
    ]);
  });

  it('is marked and stays in use where the organisation rotates before it revokes', async () => {
    const id = await make('org_b');
    expect(await report(id)).toBe('notified');
    expect(await getApiKey(registry.operator, id)).toMatchObject({
      revokedAt: null,
      leakedAt: registry.operator.now(),
    });
    expect(await actions()).toEqual(['api_key.leaked']);
  });

  it.each(['org_a', 'org_b'])(
    'and is reported again (%s) changes nothing, and is in the audit log once a day',
    async (owner) => {
      const id = await make(owner);
      const outcome = await report(id);
      const before = await getApiKey(registry.operator, id);
      registry.takeAnnounced();
      await registry.takeAudited();
      for (const seconds of [60, DAY - 61]) {
        registry.pass(seconds);
        expect(await report(id)).toBe(outcome);
        expect(await actions()).toEqual([]);
      }
      registry.pass(62);
      expect(await report(id)).toBe(outcome);
      expect(await getApiKey(registry.operator, id)).toEqual(before);
      expect(registry.takeAnnounced()).toEqual([]);
      expect(await actions()).toEqual(['api_key.leaked']);
    },
  );

  it('and is found in other places has each of them in the audit log, up to twenty a day', async () => {
    const id = await make('org_b');
    const other = await make('org_b');
    const places = Array.from({ length: 30 }, (_, index) => `https://a.example/${index}`);
    for (const url of [...places, ...places]) await report(id, { url });
    await report(other);
    const events = await registry.takeAudited();
    expect(events.filter(({ target }) => target?.id === other)).toHaveLength(1);
    const own = events.filter(({ target }) => target?.id === id);
    expect(own.map(({ details }) => details.url)).toEqual(places.slice(0, 20));
  });

  it('and was marked alone is revoked by the next report after the organisation has changed its mind', async () => {
    const id = await make('org_b');
    await report(id);
    await updateOrganization(registry.operator, 'org_b', { leaked_key_policy: 'revoke' });
    expect(await report(id)).toBe('revoked');
    await updateOrganization(registry.operator, 'org_b', { leaked_key_policy: 'notify' });
    expect((await getApiKey(registry.operator, id)).revokedAt).not.toBeNull();
    // Within the day, since something changed.
    expect((await actions()).filter((action) => action === 'api_key.leaked')).toHaveLength(2);
  });

  it('and was revoked before keeps the instant of its end', async () => {
    const id = await make('org_b');
    const { revokedAt } = await revokeApiKey(registry.operator, id);
    registry.pass(60);
    expect(await report(id)).toBe('revoked');
    expect(await getApiKey(registry.operator, id)).toMatchObject({
      revokedAt,
      leakedAt: registry.operator.now(),
    });
  });

  it('is not repeated in the audit log by the address of the page', async () => {
    const id = await make('org_a');
    const { key } = mintApiKey('live');
    await report(id, { url: `https://paste.example/?text=${key}&again=${key}`, source: key });
    const [event] = await registry.takeAudited();
    expect(event?.details).toMatchObject({
      url: 'https://paste.example/?text=[API key]&again=[API key]',
      source: '[API key]',
    });
  });

  it('fills no more of the audit log than an address needs', async () => {
    const id = await make('org_a');
    await report(id, { url: `https://a.example/${'x'.repeat(10_000)}` });
    const [event] = await registry.takeAudited();
    expect(String(event?.details.url)).toHaveLength(2048);
  });

  it('must exist', async () => {
    await expect(report('key_none')).rejects.toThrow(NotFoundError);
  });
});
