import { newId } from '@latchkey/protocol';
import {
  createAccount,
  createClient,
  createOrganization,
  deleteAccount,
  deleteClient,
  deleteOrganization,
  disableAccount,
  disableClient,
  disableOrganization,
  enableAccount,
  enableClient,
  enableOrganization,
  type Operator,
  parseClientMetadata,
  putMember,
  removeMember,
  setAccountPassword,
  updateClient,
} from '@latchkey/registry';
import { type DurableRecords, type RevocationKey, StorageUnavailableError } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistry, inSeconds, type Registry } from './registry.ts';

let registry: Registry;
beforeAll(async () => {
  registry = await createRegistry();
});
afterAll(() => registry?.close());

const environment = 'live' as const;
const metadata = parseClientMetadata({
  client_name: 'App',
  redirect_uris: ['https://app.example.com/callback'],
  scope: 'openid',
});

/** An organisation, its administrator, its client, and a grant of the one to the other. */
async function arrange() {
  const { operator, durable } = registry;
  const { id: organization } = await createOrganization(operator, { name: 'C', plan: 'free' });
  const email = `${newId('account')}@example.com`;
  const { id: account } = await createAccount(operator, { email, name: 'Ada' });
  await putMember(operator, { organizationId: organization, accountId: account, role: 'admin' });
  const { id: client } = await createClient(operator, {
    organizationId: organization,
    environment,
    metadata,
  });
  const grant = newId('grant');
  const ids = { accountId: account, clientId: client, organizationId: organization };
  await durable.grants.put({ id: grant, ...ids, payload: {}, expiresAt: inSeconds(registry, 3600) });
  registry.takeAnnounced();
  return { organization, account, client, grant };
}

type Scene = Awaited<ReturnType<typeof arrange>>;
type Act = (operator: Operator, scene: Scene) => Promise<unknown>;

/** The operator whose database goes away behind the transaction that is the `last` to be committed. */
function cutBehind(last: number): Operator {
  let left = last;
  const gone = () => Promise.reject(new StorageUnavailableError('cut short'));
  const { durable, ...operator } = registry.operator;
  const cut = (records: DurableRecords): DurableRecords => ({
    ...records,
    grants: {
      ...records.grants,
      revokeMatching: (filter) => (left > 0 ? records.grants.revokeMatching(filter) : gone()),
    },
    revocations: { ...records.revocations, put: (one) => (left > 0 ? records.revocations.put(one) : gone()) },
    async transaction(work) {
      if (left === 0) return gone();
      const result = await records.transaction(work);
      left -= 1;
      return result;
    },
  });
  return { ...operator, durable: cut(durable) };
}

const seat = ({ organization, account }: Scene) => ({ organizationId: organization, accountId: account });
const OF = {
  account: ({ account }) => ({ subject: 'account', id: account }),
  client: ({ client }) => ({ subject: 'client', id: client }),
  member: ({ organization, account }) => ({ subject: 'member', id: `${organization}/${account}` }),
  organization: ({ organization }) => ({ subject: 'organization', id: organization }),
} satisfies Record<string, (scene: Scene) => RevocationKey>;

async function expectRevoked(subject: RevocationKey): Promise<void> {
  const revokedAt = inSeconds(registry, 2);
  expect(await registry.durable.revocations.findAny([subject])).toMatchObject([{ ...subject, revokedAt }]);
  const told = registry.takeAnnounced().map(({ event }) => event);
  const revocation = expect.objectContaining({ ...subject, revokedAt });
  expect(told).toContainEqual({ type: 'revocation', revocation });
}

describe('a change that is cut short once it stands', () => {
  it.each<[string, keyof typeof OF, Act]>([
    ['a weaker role', 'member', (operator, scene) => putMember(operator, { ...seat(scene), role: 'viewer' })],
    [
      'a removed member',
      'member',
      (operator, { organization, account }) => removeMember(operator, organization, account),
    ],
    [
      'a password',
      'account',
      (operator, { account }) => setAccountPassword(operator, account, 'correct horse battery'),
    ],
    ['a disabled account', 'account', (operator, { account }) => disableAccount(operator, account)],
    [
      'a client moved to another organisation',
      'client',
      (operator, { client }) => updateClient(operator, client, () => ({ organizationId: 'org_b' })),
    ],
    ['a disabled client', 'client', (operator, { client }) => disableClient(operator, client)],
    [
      'a disabled organisation',
      'organization',
      (operator, { organization }) => disableOrganization(operator, organization),
    ],
    [
      'the client of a disabled organisation',
      'client',
      (operator, { organization }) => disableOrganization(operator, organization),
    ],
  ])('has ended the tokens: %s', async (_, subject, act) => {
    const scene = await arrange();
    await expect(act(cutBehind(1), scene)).rejects.toThrow('cut short');
    await expectRevoked(OF[subject](scene));
  });

  it('has ended the grants of a client that was moved, which nobody would end later', async () => {
    const { client, grant } = await arrange();
    const move = updateClient(cutBehind(1), client, () => ({ organizationId: 'org_b' }));
    await expect(move).rejects.toThrow('cut short');
    expect(await registry.durable.grants.find(grant)).toBeUndefined();
  });

  it('leaves grants that end when it is made again', async () => {
    const scene = await arrange();
    const weaken = (operator: Operator) => putMember(operator, { ...seat(scene), role: 'viewer' });
    await expect(weaken(cutBehind(1))).rejects.toThrow('cut short');
    await weaken(registry.operator);
    expect(await registry.durable.grants.find(scene.grant)).toBeUndefined();
  });
});

describe('a deletion', () => {
  it.each<[keyof typeof OF, Act, Act]>([
    [
      'account',
      (operator, { account }) => deleteAccount(operator, account),
      (operator, { account }) => enableAccount(operator, account),
    ],
    [
      'client',
      (operator, { client }) => deleteClient(operator, client),
      (operator, { client }) => enableClient(operator, client),
    ],
    [
      'organization',
      (operator, { organization }) => deleteOrganization(operator, organization),
      (operator, { organization }) => enableOrganization(operator, organization),
    ],
  ])('ends the tokens of an %s enabled between its two events', async (subject, remove, enable) => {
    const scene = await arrange();
    const { operator } = registry;
    let transactions = 0;
    const transaction: DurableRecords['transaction'] = async (work) => {
      transactions += 1;
      if (transactions === 2) {
        await enable(operator, scene);
        registry.pass(60);
      }
      return operator.durable.transaction(work);
    };
    const durable = { ...operator.durable, transaction };
    await remove({ ...operator, durable }, scene);
    await expectRevoked(OF[subject](scene));
  });
});
