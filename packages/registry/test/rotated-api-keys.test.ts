import {
  type ApiKeyInput,
  getApiKey,
  MAX_OVERLAP_SECONDS,
  revokeApiKey,
  rotateApiKey,
  StateError,
} from '@latchkey/registry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistry, faultsOf, inSeconds, makeApiKey, type Registry, refusalOf } from './registry.ts';

const DAY = 86_400;

let registry: Registry;
beforeAll(async () => {
  registry = await createRegistry();
});
afterAll(() => registry?.close());

const make = (more: Partial<ApiKeyInput> = {}) => makeApiKey(registry, more);
const rotate = (id: string, overlapSeconds = DAY) =>
  rotateApiKey(registry.operator, registry.pepper, id, { overlapSeconds });

describe('a rotated API key', () => {
  it('is followed by another with the same settings, and ends after the overlap', async () => {
    const { apiKey: old, key: oldKey } = await make({ ipAllowlist: ['::1'], rateLimit: 7 });
    registry.pass(10);
    const { apiKey, key } = await rotate(old.id, DAY);
    expect(key).not.toBe(oldKey);
    const { name, scopes, ipAllowlist, rateLimit, environment, organizationId, expiresAt } = old;
    expect(apiKey).toMatchObject({
      name,
      scopes,
      ipAllowlist,
      rateLimit,
      environment,
      organizationId,
      expiresAt,
    });
    expect(await getApiKey(registry.operator, old.id)).toMatchObject({
      expiresAt: inSeconds(registry, DAY),
      successorId: apiKey.id,
      revokedAt: null,
    });
  });

  it('ends at once without an overlap', async () => {
    const { id } = (await make()).apiKey;
    await rotate(id, 0);
    expect((await getApiKey(registry.operator, id)).expiresAt).toEqual(inSeconds(registry, 0));
  });

  it('ends at its own expiry where that comes first', async () => {
    const { id } = (await make({ expiresAt: inSeconds(registry, 60) })).apiKey;
    await rotate(id, DAY);
    expect((await getApiKey(registry.operator, id)).expiresAt).toEqual(inSeconds(registry, 60));
  });

  it('hands on how long it was to live, counted from now', async () => {
    const { id } = (await make({ expiresAt: inSeconds(registry, 90 * DAY) })).apiKey;
    registry.pass(80 * DAY);
    expect((await rotate(id)).apiKey.expiresAt).toEqual(inSeconds(registry, 90 * DAY));
  });

  it('has one successor, which is the one to rotate next', async () => {
    const { id } = (await make()).apiKey;
    const { apiKey } = await rotate(id);
    const refusal = await refusalOf(rotate(id));
    expect(refusal).toBeInstanceOf(StateError);
    expect(String(refusal)).toContain(apiKey.id);
    await rotate(apiKey.id);
  });

  it('has one successor also when many rotate at once: the others are refused, and no key of theirs is left', async () => {
    const { id } = (await make()).apiKey;
    const page = { organizationId: 'org_a', limit: 1000 };
    const before = await registry.durable.apiKeys.list(page);
    await registry.takeAudited();
    const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => rotate(id)));
    const [winner, ...others] = attempts.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(others).toEqual([]);
    const refusals = attempts.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    expect(refusals).toEqual(Array.from({ length: 19 }, () => expect.any(StateError)));
    expect(String(refusals[0])).toContain(winner?.apiKey.id);
    const { successorId } = await getApiKey(registry.operator, id);
    expect(successorId).toBe(winner?.apiKey.id);
    expect(await registry.durable.apiKeys.list(page)).toHaveLength(before.length + 1);
    const actions = (await registry.takeAudited()).map(({ action }) => action);
    expect(actions).toEqual(['api_key.created', 'api_key.rotated']);
  });

  it('cannot be revoked or expired, and no key is made when it is refused', async () => {
    const { id: revoked } = (await make()).apiKey;
    await revokeApiKey(registry.operator, revoked);
    const { id: expired } = (await make({ expiresAt: inSeconds(registry, 60) })).apiKey;
    registry.pass(60);
    const page = { organizationId: 'org_a', limit: 1000 };
    const before = await registry.durable.apiKeys.list(page);
    for (const id of [revoked, expired]) await expect(rotate(id)).rejects.toThrow(StateError);
    for (const overlap of [-1, 0.5, MAX_OVERLAP_SECONDS + 1, Number.NaN]) {
      expect(await faultsOf(rotate((await make()).apiKey.id, overlap))).toEqual(['overlap_seconds']);
    }
    expect((await registry.durable.apiKeys.list(page)).length).toBe(before.length + 4);
  });
});
