import {
  type ApplicationInput,
  addApplicationSecret,
  applicationInput,
  createApplication,
  expireApplicationSecret,
  getApplication,
  InvalidInputError,
  MAX_LIVE_SECRETS,
  NotFoundError,
  parseInput,
  revokeApplicationSecret,
  StateError,
} from '@latchkey/registry';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRegistry, faultsOf, inSeconds, type Registry } from './registry.ts';

let registry: Registry;
beforeAll(async () => {
  registry = await createRegistry();
});
afterAll(() => registry?.close());
beforeEach(async () => {
  registry.takeAnnounced();
  await registry.takeAudited();
});

const OWNER = { organizationId: 'org_a', environments: ['live', 'test'] } as const;
const MACHINE = { client_name: 'Import', application_type: 'machine' } satisfies ApplicationInput;
const SPA = {
  client_name: 'Portal',
  application_type: 'spa',
  redirect_uris: ['https://portal.example/callback'],
} satisfies ApplicationInput;

const create = (input: ApplicationInput) => {
  const place = { organizationId: 'org_a', environment: 'live' } as const;
  return createApplication(registry.operator, registry.pepper, place, parseInput(applicationInput, input));
};
const addSecret = (id: string, options: Parameters<typeof addApplicationSecret>[4] = {}) =>
  addApplicationSecret(registry.operator, registry.pepper, OWNER, id, options);
const secretsOf = async (id: string) => (await getApplication(registry.operator, OWNER, id)).secrets;

/** Reading the input is a part of the attempt. */
const faultsIn = (attempt: () => Promise<unknown>) => faultsOf((async () => attempt())());

describe('the secrets of an application', () => {
  it('may end by themselves', async () => {
    const { id } = (await create(MACHINE)).client;
    const issued = await addSecret(id, { expiresAt: inSeconds(registry, 60) });
    expect(issued.expiresAt).toEqual(inSeconds(registry, 60));
    expect(await secretsOf(id)).toHaveLength(2);
    registry.pass(60);
    expect((await secretsOf(id)).map((secret) => secret.id)).not.toContain(issued.id);
  });

  it('are rotated with an overlap, in which both work', async () => {
    const { client, secret } = await create(MACHINE);
    const next = await addSecret(client.id, { othersExpireAt: inSeconds(registry, 3600) });
    expect((await secretsOf(client.id)).map(({ id, expiresAt }) => [id, expiresAt])).toEqual(
      expect.arrayContaining([
        [secret?.id, inSeconds(registry, 3600)],
        [next.id, null],
      ]),
    );
  });

  it('are not ended by a rotation whose end is past or far off: nothing is made', async () => {
    const { client } = await create(MACHINE);
    const before = await secretsOf(client.id);
    for (const othersExpireAt of [inSeconds(registry, -1), new Date('9999-01-01')]) {
      expect(await faultsOf(addSecret(client.id, { othersExpireAt }))).toEqual(['others_expire_at']);
    }
    expect(await secretsOf(client.id)).toEqual(before);
  });

  it('that are rotated twice at once all have an end but one', async () => {
    const { client } = await create(MACHINE);
    const othersExpireAt = inSeconds(registry, 3600);
    await Promise.all([1, 2, 3].map(() => addSecret(client.id, { othersExpireAt })));
    const ends = (await secretsOf(client.id)).map(({ expiresAt }) => expiresAt);
    expect(ends).toHaveLength(4);
    expect(ends.filter((end) => end === null)).toHaveLength(1);
  });

  it('are given an end later, or ended now, and never brought back', async () => {
    const { client, secret } = await create(MACHINE);
    const id = String(secret?.id);
    await expireApplicationSecret(registry.operator, OWNER, client.id, id, inSeconds(registry, 60));
    expect(await secretsOf(client.id)).toMatchObject([{ expiresAt: inSeconds(registry, 60) }]);
    await revokeApplicationSecret(registry.operator, OWNER, client.id, id);
    expect(await secretsOf(client.id)).toEqual([]);
    const again = expireApplicationSecret(registry.operator, OWNER, client.id, id, inSeconds(registry, 60));
    await expect(again).rejects.toThrow(NotFoundError);
    expect(await secretsOf(client.id)).toEqual([]);
  });

  it('do not end in the past, nor in a hundred years', async () => {
    const { client, secret } = await create(MACHINE);
    const id = String(secret?.id);
    for (const at of [
      inSeconds(registry, 0),
      inSeconds(registry, -1),
      inSeconds(registry, 100 * 365 * 86_400),
    ]) {
      expect(await faultsIn(() => addSecret(client.id, { expiresAt: at }))).toEqual(['expires_at']);
      const attempt = () => expireApplicationSecret(registry.operator, OWNER, client.id, id, at);
      expect(await faultsIn(attempt)).toEqual(['expires_at']);
    }
    expect(await secretsOf(client.id)).toMatchObject([{ id, expiresAt: null }]);
  });

  it('are at most ten at a time', async () => {
    const { id } = (await create(MACHINE)).client;
    for (let live = 1; live < MAX_LIVE_SECRETS; live += 1) await addSecret(id);
    await expect(addSecret(id)).rejects.toThrow(StateError);
    const [oldest] = await secretsOf(id);
    await revokeApplicationSecret(registry.operator, OWNER, id, String(oldest?.id));
    await addSecret(id);
    expect(await secretsOf(id)).toHaveLength(MAX_LIVE_SECRETS);
  });

  it('are at most ten also when many are added at once', async () => {
    const { id } = (await create(MACHINE)).client;
    const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => addSecret(id)));
    const refused = attempts.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    expect(refused).toEqual(Array.from({ length: 11 }, () => expect.any(StateError)));
    expect(await secretsOf(id)).toHaveLength(MAX_LIVE_SECRETS);
  });

  it('are none where the application is public', async () => {
    const { id } = (await create(SPA)).client;
    await expect(addSecret(id)).rejects.toThrow(InvalidInputError);
  });

  it('are announced when they have changed, and stand in the audit log by their ids alone', async () => {
    const { client, secret } = await create(MACHINE);
    registry.takeAnnounced();
    await registry.takeAudited();
    const next = await addSecret(client.id, { othersExpireAt: inSeconds(registry, 60) });
    const [announcement] = registry.takeAnnounced();
    expect(announcement?.seen).toMatchObject({
      secrets: expect.arrayContaining([
        expect.objectContaining({ id: secret?.id, expiresAt: inSeconds(registry, 60) }),
        expect.objectContaining({ id: next.id, expiresAt: null }),
      ]),
    });
    await expireApplicationSecret(registry.operator, OWNER, client.id, next.id, inSeconds(registry, 90));
    expect(registry.takeAnnounced()).toMatchObject([{ event: { type: 'client', id: client.id } }]);
    await revokeApplicationSecret(registry.operator, OWNER, client.id, next.id);
    expect(registry.takeAnnounced()).toHaveLength(1);
    const events = await registry.takeAudited();
    expect(events.map(({ action, details }) => [action, details.secret_id])).toEqual([
      ['client.secret_created', next.id],
      ['client.secret_expiry_set', next.id],
      ['client.secret_revoked', next.id],
    ]);
    const log = JSON.stringify(events);
    for (const shown of [next.secret, String(secret?.secret)]) expect(log).not.toContain(shown);
  });
});
