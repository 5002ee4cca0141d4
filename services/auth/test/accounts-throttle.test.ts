import { randomBytes } from 'node:crypto';
import {
  type DurableStorage,
  type NewAuditEvent,
  openMemory,
  openPostgres,
  openRedis,
  type SharedStorage,
} from '@latchkey/storage';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../infra/test/servers.ts';
import { type Accounts, createAccounts } from '../src/accounts/accounts.ts';
import { addressBlock } from '../src/accounts/client-address.ts';
import { MAX_PER_ACCOUNT, MAX_PER_ADDRESS, MAX_PER_CALLER } from '../src/accounts/throttle.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const windowMs = 15 * 60 * 1000;

const ada = { id: 'user_ada', email: 'ada@example.com', name: 'Ada', passwordDigest: 'digest of right' };

let database: TestDatabase;
let durable: DurableStorage;

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  durable = openPostgres({ url: database.url });
  await durable.migrate();
  await durable.accounts.create(ada);
});

afterAll(async () => {
  await durable.close();
  await database.drop();
});

let close: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(close.map((end) => end()));
  close = [];
});

interface Scene {
  accounts: Accounts;
  verified: string[];
  recorded: NewAuditEvent[];
  clock: { at: number };
}

function scene(open?: (now: () => Date) => SharedStorage): Scene {
  const clock = { at: start };
  const now = () => new Date(clock.at);
  const shared = (open ?? ((clocked) => openMemory({ now: clocked })))(now);
  close.push(() => shared.close());
  const verified: string[] = [];
  const recorded: NewAuditEvent[] = [];
  const accounts = createAccounts({
    durable,
    shared,
    now,
    pepper: randomBytes(32),
    audit: { record: async (event) => void recorded.push(event) },
    passwords: {
      hash: async () => 'dummy',
      needsRehash: () => false,
      verify: async (digest, password) => {
        verified.push(password);
        return digest === `digest of ${password}`;
      },
    },
  });
  return { accounts, verified, recorded, clock };
}

const guess = (accounts: Accounts, email = ada.email, ip = '192.0.2.1', password = 'wrong') =>
  accounts.signIn({ email, password, ip });

const times = <T>(count: number, act: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => act(index)));

const manyBlocks = (index: number) => `198.51.100.${index}`;

describe('guessing one account’s password', () => {
  it.each([
    ['memory', undefined],
    [
      'Redis',
      () => openRedis({ url: inject('redisUrl'), keyPrefix: `throttle-${randomBytes(6).toString('hex')}:` }),
    ],
  ])('in parallel from everywhere reaches the verifier at most a hundred times (%s)', async (_, open) => {
    const { accounts, verified } = scene(open);
    const results = await times(150, (index) => guess(accounts, ada.email, manyBlocks(index)));
    expect(verified).toHaveLength(MAX_PER_ACCOUNT);
    expect(results.filter(({ outcome }) => outcome === 'throttled')).toHaveLength(150 - MAX_PER_ACCOUNT);
  });

  it('is throttled for an account that does not exist just the same', async () => {
    const { accounts, verified } = scene();
    const from = async (ip: (index: number) => string) => {
      const results = await times(150, (index) => guess(accounts, 'nobody@example.com', ip(index)));
      return results.filter(({ outcome }) => outcome === 'throttled').length;
    };
    expect(await from(() => '192.0.2.1')).toBe(150 - MAX_PER_CALLER);
    expect(await from(manyBlocks)).toBe(150 - (MAX_PER_ACCOUNT - MAX_PER_CALLER));
    expect(verified).toHaveLength(MAX_PER_ACCOUNT);
  });

  it.each([
    ['an address', '203.0.113.9', '203.0.113.9'],
    ['a network', '2001:db8:1:2::1', '2001:db8:1:2:3::4'],
  ])('from %s reaches the verifier ten times, and keeps out nobody elsewhere', async (_, one, same) => {
    const { accounts, verified } = scene();
    await times(40, (index) => guess(accounts, ada.email, index % 2 ? one : same));
    expect(verified).toHaveLength(MAX_PER_CALLER);
    expect(await guess(accounts, ada.email, one, 'right')).toMatchObject({ outcome: 'throttled' });
    const owner = await guess(accounts, ada.email, '192.0.2.1', 'right');
    expect(owner).toMatchObject({ outcome: 'accepted' });
  });

  it('counts every way of writing the address as one', async () => {
    const { accounts, verified } = scene();
    const spellings = ['ada@example.com', 'ADA@example.com', ' Ada@Example.com '];
    await times(30, (index) => guess(accounts, spellings[index % 3]));
    expect(verified).toHaveLength(MAX_PER_CALLER);
  });

  it('says when to try again, and lets the right password in then', async () => {
    const { accounts, clock } = scene();
    await times(MAX_PER_CALLER, () => guess(accounts));
    const throttled = await guess(accounts, ada.email, '192.0.2.1', 'right');
    expect(throttled).toEqual({ outcome: 'throttled', retryAfterSeconds: windowMs / 1000 });
    clock.at += windowMs;
    expect(await guess(accounts, ada.email, '192.0.2.1', 'right')).toMatchObject({ outcome: 'accepted' });
  });

  it('starts from nothing after a success', async () => {
    const { accounts, verified } = scene();
    await times(MAX_PER_CALLER - 1, () => guess(accounts));
    await guess(accounts, ada.email, '192.0.2.1', 'right');
    await times(MAX_PER_CALLER, () => guess(accounts));
    expect(verified).toHaveLength(2 * MAX_PER_CALLER);
  });

  it('leaves one record of the throttling, not one per guess', async () => {
    const { accounts, recorded } = scene();
    for (let index = 0; index < 30; index++) await guess(accounts);
    expect(recorded.filter(({ details }) => details?.reason === 'throttled')).toHaveLength(1);
  });
});

describe('guessing many accounts from one address', () => {
  it('reaches the verifier at most fifty times', async () => {
    const { accounts, verified } = scene();
    await times(80, (index) => guess(accounts, `user${index}@example.com`));
    expect(verified).toHaveLength(MAX_PER_ADDRESS);
  });

  it('is one caller’s whatever address of its IPv6 network it uses', async () => {
    const { accounts, verified } = scene();
    await times(80, (index) => guess(accounts, `user${index}@example.com`, `2001:db8:1:2::${index + 1}`));
    expect(verified).toHaveLength(MAX_PER_ADDRESS);
  });

  it('gains nothing by signing in to an account of one’s own in between', async () => {
    const { accounts, verified } = scene();
    for (let index = 0; index < 80; index++) {
      await guess(accounts, `user${index}@example.com`);
      if (index % 5 === 0) await guess(accounts, ada.email, '192.0.2.1', 'right');
    }
    expect(verified.filter((password) => password === 'wrong')).toHaveLength(MAX_PER_ADDRESS);
  });

  it('does not lock the accounts it is refused for', async () => {
    const { accounts } = scene();
    await times(MAX_PER_ADDRESS, (index) => guess(accounts, `user${index}@example.com`));
    await times(MAX_PER_CALLER + 1, () => guess(accounts));
    const elsewhere = await guess(accounts, ada.email, '203.0.113.9', 'right');
    expect(elsewhere).toMatchObject({ outcome: 'accepted' });
  });
});

describe('an office behind one address', () => {
  it('signs in two hundred times without being throttled', async () => {
    const { accounts } = scene();
    for (let index = 0; index < 200; index++) {
      expect(await guess(accounts, ada.email, '192.0.2.1', 'right')).toMatchObject({ outcome: 'accepted' });
    }
  });
});

describe('addressBlock', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0DB8:0001:0002:3:4:5:6', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('of %s is %s', (address, block) => {
    expect(addressBlock(address)).toBe(block);
  });
});
