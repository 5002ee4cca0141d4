import { parseClientMetadata } from '@latchkey/registry';
import type { FeedEvent } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createDeployment, type Deployment } from './latchkey.ts';

let deployment: Deployment;
let number = 0;

beforeAll(async () => {
  deployment = await createDeployment();
});
afterAll(() => deployment?.close());

/** An organisation, a member, a client, and a grant of the one to the other. */
async function arrange() {
  const { durable } = deployment;
  number += 1;
  const [org, user, client, grant] = [
    `org_r${number}`,
    `user_r${number}`,
    `client_r${number}`,
    `grant_r${number}`,
  ];
  await durable.organizations.create({ id: org, name: 'R', plan: 'free' });
  await durable.accounts.create({
    id: user,
    email: `r${number}@example.com`,
    name: 'R',
    passwordDigest: null,
  });
  await durable.organizations.putMember({ organizationId: org, accountId: user, role: 'admin' });
  const metadata = parseClientMetadata({ client_name: 'R', redirect_uris: ['https://a.example/'] });
  await durable.clients.create({ id: client, organizationId: org, environment: 'live', metadata });
  const expiresAt = new Date(Date.now() + 3_600_000);
  const ids = { accountId: user, clientId: client, organizationId: org };
  await durable.grants.put({ id: grant, ...ids, payload: {}, expiresAt });
  await durable.grants.putConsent({ ...ids, payload: {} });
  return { org, user, client, grant };
}

/** What the feed says of these records until one of them is revoked; other tests share the feed. */
async function follow(ids: string[]) {
  const events: FeedEvent[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const mine = (event: FeedEvent) => {
    if (event.type === 'revocation') return ids.some((id) => event.revocation.id.includes(id));
    return 'id' in event && ids.includes(event.id);
  };
  const following = await deployment.shared.feed.follow({
    onEvent(event) {
      if (mine(event)) events.push(event);
      if (event.type === 'revocation' && mine(event)) resolve();
    },
    onGap() {},
  });
  onTestFinished(() => following.close());
  return { events, revoked: promise };
}

describe('authority ends', () => {
  it.each([
    ['client disable', 'client', (ids: Ids) => ['client', 'disable', ids.client], (ids: Ids) => ids.client],
    ['client delete', 'client', (ids: Ids) => ['client', 'delete', ids.client], (ids: Ids) => ids.client],
    ['user disable', 'account', (ids: Ids) => ['user', 'disable', ids.user], (ids: Ids) => ids.user],
    ['user delete', 'account', (ids: Ids) => ['user', 'delete', ids.user], (ids: Ids) => ids.user],
    ['org disable', 'organization', (ids: Ids) => ['org', 'disable', ids.org], (ids: Ids) => ids.org],
    ['org delete', 'organization', (ids: Ids) => ['org', 'delete', ids.org], (ids: Ids) => ids.org],
    [
      'user remove-from-org',
      'member',
      (ids: Ids) => ['user', 'remove-from-org', ids.user, ids.org],
      (ids: Ids) => `${ids.org}/${ids.user}`,
    ],
    [
      'a weaker role',
      'member',
      (ids: Ids) => ['user', 'add-to-org', ids.user, ids.org, '--role', 'viewer'],
      (ids: Ids) => `${ids.org}/${ids.user}`,
    ],
    [
      'user set-password',
      'account',
      (ids: Ids) => ['user', 'set-password', ids.user, '--generate-password'],
      (ids: Ids) => ids.user,
    ],
  ] as const)(
    'with %s: grants are revoked, JWTs recorded and the feed told',
    async (_, subject, args, id) => {
      const { durable, json } = deployment;
      const ids = await arrange();
      const { events, revoked } = await follow(Object.values(ids));
      const started = Date.now();
      await json(...args(ids));
      await revoked;
      expect(await durable.grants.find(ids.grant)).toBeUndefined();
      const [revocation] = await durable.revocations.findAny([{ subject, id: id(ids) }]);
      expect(revocation?.revokedAt.getTime()).toBeGreaterThanOrEqual(started);
      expect(revocation?.expiresAt.getTime()).toBeGreaterThanOrEqual(started + 86_400_000);
      expect(events).toContainEqual({ type: 'revocation', revocation });
    },
  );

  it('not with an equal or stronger role', async () => {
    const { durable, json } = deployment;
    const { user, org, grant } = await arrange();
    await json('user', 'add-to-org', user, org, '--role', 'owner');
    expect(await durable.grants.find(grant)).toMatchObject({ revokedAt: null });
  });

  it('and stays ended when the client is enabled again', async () => {
    const { durable, json } = deployment;
    const { client, grant } = await arrange();
    await json('client', 'disable', client);
    expect(await json('client', 'enable', client)).toHaveProperty('disabled_at', null);
    expect(await durable.grants.find(grant)).toBeUndefined();
  });

  it('and a removed member is asked for consent anew', async () => {
    const { durable, json } = deployment;
    const { user, org, client } = await arrange();
    expect(await durable.grants.findConsent(user, client, org)).toBeDefined();
    await json('user', 'remove-from-org', user, org);
    expect(await durable.grants.findConsent(user, client, org)).toBeUndefined();
  });
});

interface Ids {
  org: string;
  user: string;
  client: string;
  grant: string;
}
