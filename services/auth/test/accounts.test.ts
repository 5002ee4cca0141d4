import { randomBytes } from 'node:crypto';
import {
  type DurableStorage,
  hashPassword,
  type NewAuditEvent,
  openMemory,
  openPostgres,
  passwordNeedsRehash,
  type SharedStorage,
  verifyPassword,
} from '@latchkey/storage';
import argon2 from 'argon2';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../infra/test/servers.ts';
import { type Accounts, createAccounts, type Passwords } from '../src/accounts/accounts.ts';

const password = 'correct horse battery staple';
const ip = '192.0.2.7';

let database: TestDatabase;
let durable: DurableStorage;
let shared: SharedStorage;
let accounts: Accounts;
let recorded: NewAuditEvent[];
let verifications: { digest: string; password: string }[];

/** argon2id as it is, counted. */
const counting: Passwords = {
  hash: hashPassword,
  needsRehash: passwordNeedsRehash,
  verify: (digest, candidate) => {
    verifications.push({ digest, password: candidate });
    return verifyPassword(digest, candidate);
  },
};

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  durable = openPostgres({ url: database.url });
  await durable.migrate();
  const passwordDigest = await hashPassword(password);
  await durable.accounts.create({ id: 'user_ada', email: 'Ada@Example.com', name: 'Ada', passwordDigest });
  await durable.accounts.create({ id: 'user_off', email: 'off@example.com', name: 'Off', passwordDigest });
  await durable.accounts.update('user_off', { disabledAt: new Date() });
  await durable.accounts.create({
    id: 'user_none',
    email: 'none@example.com',
    name: 'None',
    passwordDigest: null,
  });
});

afterAll(async () => {
  await durable.close();
  await database.drop();
});

beforeEach(() => {
  shared = openMemory();
  recorded = [];
  verifications = [];
  accounts = createAccounts({
    durable,
    shared,
    audit: { record: async (event) => void recorded.push(event) },
    pepper: randomBytes(32),
    passwords: counting,
  });
  return () => shared.close();
});

describe('the right address and password', () => {
  it.each(['Ada@Example.com', ' ada@EXAMPLE.com '])('sign in as %j', async (email) => {
    const result = await accounts.signIn({ email, password, ip });
    expect(result).toMatchObject({ outcome: 'accepted', account: { id: 'user_ada' } });
  });

  it('answer with the account as it was before: had its sign-ins been ended meanwhile, this one is among them', async () => {
    const during = createAccounts({
      durable,
      shared,
      audit: { record: async () => {} },
      pepper: randomBytes(32),
      passwords: {
        ...counting,
        async verify(digest, candidate) {
          await durable.accounts.endSignIns('user_ada');
          return verifyPassword(digest, candidate);
        },
      },
    });
    const before = await durable.accounts.find('user_ada');
    const result = await during.signIn({ email: 'ada@example.com', password, ip });
    expect(result).toEqual({ outcome: 'accepted', account: before });
  });

  it('are on record by account, without the password', async () => {
    await accounts.signIn({ email: 'ada@example.com', password, ip, requestId: 'request-1' });
    expect(recorded).toEqual([
      {
        action: 'sign_in.succeeded',
        result: 'success',
        actor: { type: 'account', id: 'user_ada' },
        ip,
        requestId: 'request-1',
        details: { method: 'password' },
      },
    ]);
  });
});

describe('a refusal', () => {
  const cases = [
    ['a wrong password', 'ada@example.com', 'wrong', 'wrong_password'],
    ['an unknown account', 'nobody@example.com', password, 'unknown_account'],
    ['a disabled account with its right password', 'off@example.com', password, 'disabled_account'],
    ['an account without a password', 'none@example.com', password, 'no_password'],
  ] as const;

  it.each(cases)(
    'of %s gives the one answer, after one verification',
    async (_, email, attempted, reason) => {
      const result = await accounts.signIn({ email, password: attempted, ip });
      expect(result).toEqual({ outcome: 'refused' });
      expect(verifications).toHaveLength(1);
      expect(recorded).toMatchObject([{ action: 'sign_in.failed', result: 'failure', details: { reason } }]);
    },
  );

  it('of an unknown account verifies a digest of today’s parameters', async () => {
    await accounts.signIn({ email: 'nobody@example.com', password, ip });
    expect(verifications.map(({ digest }) => passwordNeedsRehash(digest))).toEqual([false]);
  });

  it('keeps neither the password nor an unknown address in the log', async () => {
    await accounts.signIn({ email: 'hunter2@example.com', password: 's3cret-typed', ip });
    expect(JSON.stringify(recorded)).not.toMatch(/hunter2|s3cret-typed/);
  });

  it.each([
    ['an empty form', '', ''],
    ['no address at all', 'not an address', password],
    ['a NUL in the address', 'ada\0@example.com', password],
    ['an endless address', `${'a'.repeat(5000)}@example.com`, password],
    ['an unpaired surrogate', '\ud800@example.com', password],
    ['an empty password', 'ada@example.com', ''],
  ])('answers %s like any other', async (_, email, attempted) => {
    expect(await accounts.signIn({ email, password: attempted, ip })).toEqual({ outcome: 'refused' });
    expect(verifications).toHaveLength(1);
  });

  it('never hashes a password beyond 1024 bytes', async () => {
    const long = 'x'.repeat(1025);
    expect(await accounts.signIn({ email: 'ada@example.com', password: long, ip })).toEqual({
      outcome: 'refused',
    });
    expect(verifications.map((verification) => verification.password.length)).toEqual([0]);
  });
});

describe('a digest of other parameters', () => {
  it('is made anew at the next sign-in, and still fits', async () => {
    const old = await argon2.hash(password, { memoryCost: 8192, timeCost: 1, parallelism: 1 });
    await durable.accounts.create({
      id: 'user_old',
      email: 'old@example.com',
      name: 'Old',
      passwordDigest: old,
    });
    const attempt = { email: 'old@example.com', password, ip };
    expect(await accounts.signIn(attempt)).toMatchObject({ outcome: 'accepted' });
    const renewed = (await durable.accounts.find('user_old'))?.passwordDigest ?? '';
    expect(passwordNeedsRehash(renewed)).toBe(false);
    expect(await accounts.signIn(attempt)).toMatchObject({ outcome: 'accepted' });
  });

  it('is left alone when a password was set while it was made', async () => {
    const old = await argon2.hash(password, { memoryCost: 8192, timeCost: 1, parallelism: 1 });
    await durable.accounts.create({
      id: 'user_old3',
      email: 'old3@example.com',
      name: 'Old',
      passwordDigest: old,
    });
    const own = createAccounts({
      durable,
      shared,
      audit: { record: async () => {} },
      pepper: randomBytes(32),
      passwords: {
        ...counting,
        async hash(text) {
          const digest = await hashPassword(text);
          // Nobody's password is hashed too, at the start.
          if (text === password)
            await durable.accounts.update('user_old3', { passwordDigest: 'set meanwhile' });
          return digest;
        },
      },
    });
    expect(await own.signIn({ email: 'old3@example.com', password, ip })).toMatchObject({
      outcome: 'accepted',
    });
    expect((await durable.accounts.find('user_old3'))?.passwordDigest).toBe('set meanwhile');
  });

  it('is left alone by a wrong password', async () => {
    const old = await argon2.hash(password, { memoryCost: 8192, timeCost: 1, parallelism: 1 });
    await durable.accounts.create({
      id: 'user_old2',
      email: 'old2@example.com',
      name: 'Old',
      passwordDigest: old,
    });
    await accounts.signIn({ email: 'old2@example.com', password: 'wrong', ip });
    expect((await durable.accounts.find('user_old2'))?.passwordDigest).toBe(old);
  });
});

describe('find', () => {
  it('knows nobody who is disabled', async () => {
    expect(await accounts.find('user_off')).toBeUndefined();
    expect(await accounts.find('user_ada')).toMatchObject({ id: 'user_ada' });
  });
});
