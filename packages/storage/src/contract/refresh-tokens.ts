import { newId, randomBase62 } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import type { RefreshTokens } from '../refresh-tokens.ts';
import type { DurableStorage } from '../storage.ts';
import type { DurableFixture } from './durable.ts';

const WINDOW = { retryWindowSeconds: 10 };
const TTL_SECONDS = 600;

type Token = Parameters<RefreshTokens['put']>[0];

async function newToken({ grant, clock }: DurableFixture, fields: Partial<Token> = {}): Promise<Token> {
  const { id: grantId, accountId, clientId } = await grant();
  const value = randomBase62(43);
  return {
    value,
    grantId,
    accountId,
    clientId,
    payload: { scope: 'a' },
    expiresAt: clock.in(TTL_SECONDS),
    ...fields,
  };
}

function successorOf(token: Token): Token {
  return { ...token, value: `${token.value}+`, predecessor: token.value };
}

export function testRefreshTokens(fixture: () => DurableFixture): void {
  describe('refresh tokens', () => {
    test('one that was stored is found by its value, used or not, expired or not', async () => {
      const all = fixture();
      const { storage, clock } = all;
      const token = await newToken(all);
      expect(await storage.refreshTokens.put(token)).toBe(true);
      const { value, ...stored } = token;
      const found = { ...stored, createdAt: clock.now(), consumedAt: null, successorUsed: null };
      expect(await storage.refreshTokens.find(value)).toEqual(found);
      await storage.refreshTokens.consume(value, WINDOW);
      const consumedAt = clock.now();
      clock.advance(TTL_SECONDS + 1);
      expect(await storage.refreshTokens.find(value)).toEqual({ ...found, consumedAt });
      expect(await storage.refreshTokens.find('never stored')).toBeUndefined();
    });

    test('stored again it changes nothing, consumedAt included', async () => {
      const all = fixture();
      const { refreshTokens } = all.storage;
      const token = await newToken(all);
      await refreshTokens.put(token);
      await refreshTokens.consume(token.value, WINDOW);
      const before = await refreshTokens.find(token.value);
      all.clock.advance(1);
      expect(await refreshTokens.put({ ...token, payload: { other: true } })).toBe(true);
      expect(await refreshTokens.find(token.value)).toEqual(before);
    });

    test('nothing is stored under a missing, expired or revoked grant', async () => {
      const all = fixture();
      const { storage, grant, clock } = all;
      const revoked = await newToken(all);
      await storage.grants.revoke(revoked.grantId);
      const expired = await newToken(all, { grantId: (await grant({ expiresAt: clock.in(-1) })).id });
      const missing = await newToken(all, { grantId: newId('grant') });
      for (const token of [revoked, expired, missing]) {
        expect(await storage.refreshTokens.put(token)).toBe(false);
        expect(await storage.refreshTokens.find(token.value)).toBeUndefined();
      }
    });

    test('a stored one cannot be stored again after the revocation', async () => {
      const all = fixture();
      const token = await newToken(all);
      await all.storage.refreshTokens.put(token);
      await all.storage.grants.revoke(token.grantId);
      expect(await all.storage.refreshTokens.put(token)).toBe(false);
    });

    test('a purge deletes what is past its expiry, and answers how many', async () => {
      const all = fixture();
      const { refreshTokens } = all.storage;
      await refreshTokens.purge(all.clock.in(TTL_SECONDS * 2));
      const old = await newToken(all);
      const live = await newToken(all, { expiresAt: all.clock.in(TTL_SECONDS * 2) });
      await refreshTokens.put(old);
      await refreshTokens.put(live);
      all.clock.advance(TTL_SECONDS + 1);
      expect(await refreshTokens.purge(all.clock.now())).toBe(1);
      expect(await refreshTokens.find(old.value)).toBeUndefined();
      expect(await refreshTokens.find(live.value)).toBeDefined();
    });
  });
  testUses(fixture);
  testRaces(fixture);
}

function testUses(fixture: () => DurableFixture): void {
  const use = ({ storage }: DurableFixture, { value }: Token) => storage.refreshTokens.consume(value, WINDOW);
  const rotated = async (all: DurableFixture) => {
    const token = await newToken(all);
    await all.storage.refreshTokens.put(token);
    await use(all, token);
    await all.storage.refreshTokens.put(successorOf(token));
    return token;
  };

  describe('use of a refresh token', () => {
    test('the first consumes it', async () => {
      const all = fixture();
      const token = await newToken(all);
      await all.storage.refreshTokens.put(token);
      expect(await use(all, token)).toBe('consumed');
      expect((await all.storage.refreshTokens.find(token.value))?.consumedAt).toEqual(all.clock.now());
    });

    test('a second within the window is a retry, with the successor unused or not stored yet', async () => {
      const all = fixture();
      const token = await newToken(all);
      await all.storage.refreshTokens.put(token);
      await use(all, token);
      expect(await use(all, token)).toBe('retried');
      await all.storage.refreshTokens.put(successorOf(token));
      all.clock.advance(WINDOW.retryWindowSeconds);
      expect(await use(all, token)).toBe('retried');
    });

    test('after the window one without a successor is used anew, and has a window again', async () => {
      const all = fixture();
      const token = await newToken(all);
      await all.storage.refreshTokens.put(token);
      await use(all, token);
      all.clock.advance(WINDOW.retryWindowSeconds + 1);
      expect(await use(all, token)).toBe('consumed');
      await all.storage.refreshTokens.put(successorOf(token));
      all.clock.advance(WINDOW.retryWindowSeconds);
      expect(await use(all, token)).toBe('retried');
      all.clock.advance(1);
      expect(await use(all, token)).toBe('replayed');
    });

    test('a successor that would expire first is kept for as long as its predecessor', async () => {
      const all = fixture();
      const { refreshTokens } = all.storage;
      const token = await newToken(all);
      await refreshTokens.put(token);
      await use(all, token);
      await refreshTokens.put({ ...successorOf(token), expiresAt: all.clock.in(TTL_SECONDS / 2) });
      all.clock.advance(TTL_SECONDS - 1);
      await refreshTokens.purge(all.clock.now());
      expect(await use(all, token)).toBe('replayed');
    });

    test('one whose use was taken back is used again, unless its successor was used', async () => {
      const all = fixture();
      const { refreshTokens } = all.storage;
      const token = await rotated(all);
      all.clock.advance(WINDOW.retryWindowSeconds + 1);
      await refreshTokens.restore(token.value);
      expect((await refreshTokens.find(token.value))?.consumedAt).toBeNull();
      expect(await use(all, token)).toBe('consumed');
      await refreshTokens.restore(token.value);
      await use(all, successorOf(token));
      expect(await use(all, token)).toBe('replayed');
    });

    test('taking back a use brings nothing back after the revocation', async () => {
      const all = fixture();
      const token = await rotated(all);
      await all.storage.grants.revoke(token.grantId);
      await all.storage.refreshTokens.restore(token.value);
      expect(await use(all, token)).toBe('unknown');
    });

    test('a retry does not make the window longer', async () => {
      const all = fixture();
      const token = await rotated(all);
      all.clock.advance(6);
      expect(await use(all, token)).toBe('retried');
      all.clock.advance(6);
      expect(await use(all, token)).toBe('replayed');
    });

    test('after the window it is a replay', async () => {
      const all = fixture();
      const token = await rotated(all);
      all.clock.advance(WINDOW.retryWindowSeconds + 1);
      expect(await use(all, token)).toBe('replayed');
    });

    test('once its successor was used it is a replay, however soon', async () => {
      const all = fixture();
      const token = await rotated(all);
      expect((await all.storage.refreshTokens.find(token.value))?.successorUsed).toBe(false);
      expect(await use(all, successorOf(token))).toBe('consumed');
      expect(await use(all, token)).toBe('replayed');
      expect((await all.storage.refreshTokens.find(token.value))?.successorUsed).toBe(true);
    });

    test('one that expired, was deleted or never stored is unknown', async () => {
      const all = fixture();
      const expired = await newToken(all);
      await all.storage.refreshTokens.put(expired);
      const used = await rotated(all);
      all.clock.advance(TTL_SECONDS);
      expect(await use(all, expired)).toBe('unknown');
      expect(await use(all, used)).toBe('unknown');
      expect(await use(all, await newToken(all))).toBe('unknown');
      expect((await all.storage.refreshTokens.find(expired.value))?.consumedAt).toBeNull();
    });
  });
}

function testRaces(fixture: () => DurableFixture): void {
  const CALLERS = 50;
  const callers = <R>({ storage, peer }: DurableFixture, call: (storage: DurableStorage) => Promise<R>) =>
    Promise.all(Array.from({ length: CALLERS }, (_, index) => call(index % 2 ? storage : peer)));

  describe('races of refresh tokens', () => {
    test('of 50 parallel uses exactly one consumes, the rest are retries', async () => {
      const all = fixture();
      const token = await newToken(all);
      await all.storage.refreshTokens.put(token);
      const uses = await callers(all, (each) => each.refreshTokens.consume(token.value, WINDOW));
      expect(uses.filter((use) => use === 'consumed')).toHaveLength(1);
      expect(uses.filter((use) => use === 'retried')).toHaveLength(CALLERS - 1);
    });

    test('so does one of 50 after the window, where no successor was stored', async () => {
      const all = fixture();
      const token = await newToken(all);
      await all.storage.refreshTokens.put(token);
      await all.storage.refreshTokens.consume(token.value, WINDOW);
      all.clock.advance(WINDOW.retryWindowSeconds + 1);
      const uses = await callers(all, (each) => each.refreshTokens.consume(token.value, WINDOW));
      expect(uses.filter((use) => use === 'consumed')).toHaveLength(1);
      expect(uses.filter((use) => use === 'retried')).toHaveLength(CALLERS - 1);
    });

    test('50 parallel puts of one successor store one', async () => {
      const all = fixture();
      const token = await newToken(all);
      const stored = await callers(all, (each) => each.refreshTokens.put(token));
      expect(new Set(stored)).toEqual(new Set([true]));
      expect(await all.storage.refreshTokens.consume(token.value, WINDOW)).toBe('consumed');
    });

    test('a revocation that was acknowledged wins over refreshes in flight', async () => {
      const all = fixture();
      for (let round = 0; round < 10; round += 1) {
        const token = await newToken(all);
        await all.storage.refreshTokens.put(token);
        const values = Array.from({ length: 20 }, () => randomBase62(43));
        const puts = values.map((value, index) =>
          (index % 2 ? all.storage : all.peer).refreshTokens.put({ ...token, value }),
        );
        const revoked = all.peer.grants.revoke(token.grantId);
        expect(await revoked).toBe(true);
        // From here on, whatever the puts still in flight answer.
        expect(await all.storage.refreshTokens.put({ ...token, value: randomBase62(43) })).toBe(false);
        await Promise.all(puts);
        const left = await Promise.all(values.map((value) => all.storage.refreshTokens.find(value)));
        expect(left.filter(Boolean)).toEqual([]);
      }
    });
  });
}
