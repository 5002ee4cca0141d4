import { newId } from '@latchkey/protocol';
import {
  createClient,
  createOperator,
  createOrganization,
  deleteOrganization,
  disableOrganization,
  enableOrganization,
  NotFoundError,
  organizationChanges,
  organizationInput,
  parseClientMetadata,
  parseInput,
  updateOrganization,
} from '@latchkey/registry';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRegistry, inSeconds, type Registry, refusalOf } from './registry.ts';

let registry: Registry;
beforeAll(async () => {
  registry = await createRegistry();
});
afterAll(() => registry?.close());
beforeEach(async () => {
  registry.takeAnnounced();
  await registry.takeAudited();
});

const announcedOrganizations = () =>
  registry.takeAnnounced().filter(({ event }) => event.type === 'organization');

describe('an organisation', () => {
  it('is made with its limit, allowlist and policy, or with none', async () => {
    const { operator } = registry;
    const input = {
      id: 'org_c',
      name: 'C',
      rate_limit: 9,
      ip_allowlist: ['::1'],
      leaked_key_policy: 'notify',
    };
    expect(await createOrganization(operator, parseInput(organizationInput, input))).toMatchObject({
      id: 'org_c',
      plan: 'free',
      rateLimit: 9,
      ipAllowlist: ['::1'],
      leakedKeyPolicy: 'notify',
    });
    expect(await createOrganization(operator, parseInput(organizationInput, { name: 'D' }))).toMatchObject({
      rateLimit: null,
      ipAllowlist: [],
      leakedKeyPolicy: 'revoke',
    });
  });

  it('keeps what a change does not name, and says in the audit log what it did', async () => {
    const changes = { rate_limit: 50, ip_allowlist: ['10.0.0.0/8'] };
    const changed = await updateOrganization(registry.operator, 'org_a', changes);
    expect(changed).toMatchObject({
      name: 'org_a',
      plan: 'free',
      rateLimit: 50,
      ipAllowlist: ['10.0.0.0/8'],
    });
    expect(await updateOrganization(registry.operator, 'org_a', { rate_limit: null })).toEqual({
      ...changed,
      rateLimit: null,
    });
    expect((await registry.takeAudited()).map(({ action, details }) => [action, details])).toEqual([
      ['organization.updated', { changed: ['rate_limit', 'ip_allowlist'] }],
      ['organization.updated', { changed: ['rate_limit'] }],
    ]);
  });

  it('is announced at every change, as it is stored by then', async () => {
    const { operator } = registry;
    const made = await createOrganization(operator, { id: 'org_e', name: 'E', plan: 'free' });
    expect(announcedOrganizations()).toMatchObject([{ event: { id: 'org_e' }, seen: made }]);
    await updateOrganization(operator, 'org_e', { rate_limit: 3 });
    expect(announcedOrganizations()).toMatchObject([{ seen: { rateLimit: 3 } }]);
    await disableOrganization(operator, 'org_e');
    expect(announcedOrganizations()).toMatchObject([{ seen: { disabledAt: operator.now() } }]);
    await enableOrganization(operator, 'org_e');
    expect(announcedOrganizations()).toMatchObject([{ seen: { disabledAt: null } }]);
    await deleteOrganization(operator, 'org_e');
    // Disabled first: whoever only asks what has changed never hears of a record that is gone.
    expect(announcedOrganizations().map(({ seen }) => seen)).toEqual([
      expect.objectContaining({ disabledAt: operator.now() }),
      undefined,
    ]);
  });

  it('is deleted after its usage: no statement has to delete both, however much there is', async () => {
    const { operator, durable } = registry;
    await createOrganization(operator, { id: 'org_f', name: 'F', plan: 'free' });
    const tenant = { organizationId: 'org_f', environment: 'live' } as const;
    const [minute, to] = [operator.now(), inSeconds(registry, 60)];
    const credential = { credentialType: 'api_key', credentialId: 'key_1' } as const;
    await durable.usage.add([
      { ...tenant, ...credential, minute, route: 'GET /', statusClass: 2, requests: 1 },
    ]);
    const listUsage = () => durable.usage.list({ ...tenant, from: minute, to, interval: 'day', limit: 9 });
    const left: number[] = [];
    const transaction: typeof durable.transaction = async (work) => {
      left.push((await listUsage()).length);
      return durable.transaction(work);
    };
    await deleteOrganization({ ...operator, durable: { ...durable, transaction } }, 'org_f');
    expect(left).toEqual([1, 0]);
  });

  it.each([
    [{ rate_limit: 0 }, 'rate_limit'],
    [{ rate_limit: '100' }, 'rate_limit'],
    [{ ip_allowlist: ['10.0.0.0/40'] }, 'ip_allowlist[0]'],
    [{ ip_allowlist: '10.0.0.0/8' }, 'ip_allowlist'],
    [{ leaked_key_policy: 'ignore' }, 'leaked_key_policy'],
    [{ disabled_at: null }, 'disabled_at'],
    [{ id: 'org_b' }, 'id'],
  ])('is not changed by %j', async (changes, field) => {
    const refusal = await refusalOf((async () => parseInput(organizationChanges, changes))());
    expect(refusal).toMatchObject({ faults: [{ field }] });
  });

  it('takes along, when it is disabled, what its clients hold for people of other organisations', async () => {
    const { durable, operator } = registry;
    await createOrganization(operator, { id: 'org_vendor', name: 'Vendor', plan: 'free' });
    const metadata = parseClientMetadata({
      client_name: 'App',
      redirect_uris: ['https://vendor.example.com/callback'],
      scope: 'openid',
    });
    const environment = 'live' as const;
    const client = await createClient(operator, { organizationId: 'org_vendor', environment, metadata });
    const accountId = newId('account');
    const email = `${accountId}@example.com`;
    const account = { id: accountId, email, name: 'Ada', passwordDigest: null, emailVerified: true };
    await durable.accounts.create(account);
    const expiresAt = new Date(operator.now().getTime() + 60_000);
    const grant = { id: newId('grant'), accountId, clientId: client.id, organizationId: 'org_a' };
    await durable.grants.put({ ...grant, payload: {}, expiresAt });
    await disableOrganization(operator, 'org_vendor');
    expect(await durable.grants.find(grant.id)).toBeUndefined();
    const subject = { subject: 'client', id: client.id } as const;
    expect(await durable.revocations.findAny([subject])).toMatchObject([subject]);
    const told = registry.takeAnnounced().map(({ event }) => event);
    expect(told).toContainEqual(
      expect.objectContaining({ type: 'revocation', revocation: expect.objectContaining(subject) }),
    );
  });

  it('must exist to be changed', async () => {
    await expect(updateOrganization(registry.operator, 'org_none', {})).rejects.toThrow(NotFoundError);
  });
});

describe('an operator', () => {
  it('is named by itself, from nowhere, where no request asked for the change', async () => {
    const { durable } = registry;
    const operator = createOperator({ durable, feed: { publish: async () => {} }, name: 'cli' });
    await updateOrganization(operator, 'org_a', { name: 'A' });
    expect((await registry.takeAudited()).at(-1)).toMatchObject({
      actor: { type: 'operator', id: 'cli' },
      ip: null,
      requestId: null,
    });
  });

  it('makes its changes also while the feed is away, and is told once for each that was not heard', async () => {
    const { durable } = registry;
    const missed: unknown[] = [];
    const away = new Error('away');
    const operator = createOperator({
      durable,
      feed: { publish: () => Promise.reject(away) },
      onMissed: (cause) => missed.push(cause),
      name: 'cli',
    });
    expect(await updateOrganization(operator, 'org_a', { name: 'B' })).toMatchObject({ name: 'B' });
    expect(missed).toEqual([away]);
  });
});
