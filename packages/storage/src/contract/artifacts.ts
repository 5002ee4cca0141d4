import { randomBase62 } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import { ARTIFACT_KINDS } from '../artifacts.ts';
import type { SharedFixture } from './shared.ts';

const CALLERS = 50;

export function testArtifacts(fixture: () => SharedFixture): void {
  const newValue = () => randomBase62(43);

  describe('artifacts', () => {
    test('one of any kind is found by its value until it expires', async () => {
      const { storage, elapse } = fixture();
      const value = newValue();
      const payload = { kind: 'x', nested: { list: [1, 'two', null] } };
      for (const kind of ARTIFACT_KINDS) await storage.artifacts.put(kind, value, { ...payload, kind }, 60);
      await elapse(50);
      for (const kind of ARTIFACT_KINDS) {
        const found = await storage.artifacts.find(kind, value);
        expect(found).toEqual({ payload: { ...payload, kind }, consumedAt: null });
      }
      await elapse(10);
      for (const kind of ARTIFACT_KINDS) expect(await storage.artifacts.find(kind, value)).toBeUndefined();
      expect(await storage.artifacts.consume('AuthorizationCode', value)).toBe(false);
    });

    test('put again, it has the new payload and lives from then on', async () => {
      const { storage, peer, elapse } = fixture();
      const value = newValue();
      await storage.artifacts.put('Session', value, { version: 1 }, 100);
      await elapse(60);
      await peer.artifacts.put('Session', value, { version: 2 }, 100);
      await elapse(60);
      expect(await storage.artifacts.find('Session', value)).toEqual({
        payload: { version: 2 },
        consumedAt: null,
      });
    });

    test('a life of less than a second is one second', async () => {
      const { storage, elapse } = fixture();
      const value = newValue();
      const put = storage.artifacts.put('Session', value, {}, 0);
      // Sent together with the put, so that no second can pass between them.
      const found = storage.artifacts.find('Session', value);
      await put;
      expect(await found).toBeDefined();
      await elapse(1);
      expect(await storage.artifacts.find('Session', value)).toBeUndefined();
    });

    test('a consumed one is still found, with the instant, and a put does not reset it', async () => {
      const { storage } = fixture();
      const value = newValue();
      await storage.artifacts.put('AuthorizationCode', value, { a: 1 }, 60);
      expect(await storage.artifacts.consume('AuthorizationCode', value)).toBe(true);
      const consumed = await storage.artifacts.find('AuthorizationCode', value);
      expect(consumed?.consumedAt).toBeInstanceOf(Date);
      await storage.artifacts.put('AuthorizationCode', value, { a: 2 }, 60);
      expect(await storage.artifacts.find('AuthorizationCode', value)).toEqual({
        ...consumed,
        payload: { a: 2 },
      });
      expect(await storage.artifacts.consume('AuthorizationCode', value)).toBe(false);
    });

    test('an authorization code consumed by 50 callers succeeds once', async () => {
      const { storage, peer } = fixture();
      const value = newValue();
      await storage.artifacts.put('AuthorizationCode', value, {}, 60);
      const answers = await Promise.all(
        Array.from({ length: CALLERS }, (_, index) =>
          (index % 2 ? storage : peer).artifacts.consume('AuthorizationCode', value),
        ),
      );
      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    test('consuming what was never put answers false and makes nothing', async () => {
      const { storage } = fixture();
      const value = newValue();
      expect(await storage.artifacts.consume('DeviceCode', value)).toBe(false);
      expect(await storage.artifacts.find('DeviceCode', value)).toBeUndefined();
      await storage.artifacts.put('DeviceCode', value, {}, 60);
      expect(await storage.artifacts.consume('DeviceCode', value)).toBe(true);
    });

    test('a deleted one is gone, and deleting twice is no fault', async () => {
      const { storage } = fixture();
      const value = newValue();
      await storage.artifacts.put('Interaction', value, {}, 60);
      await storage.artifacts.delete('Interaction', value);
      await storage.artifacts.delete('Interaction', value);
      expect(await storage.artifacts.find('Interaction', value)).toBeUndefined();
    });

    test('what a caller does to a payload afterwards changes nothing in the store', async () => {
      const { storage } = fixture();
      const value = newValue();
      const payload = { list: [1] };
      await storage.artifacts.put('Session', value, payload, 60);
      payload.list.push(2);
      expect((await storage.artifacts.find('Session', value))?.payload).toEqual({ list: [1] });
    });
  });
  testIndexes(fixture, newValue);
}

function testIndexes(fixture: () => SharedFixture, newValue: () => string): void {
  describe('indexes of artifacts', () => {
    test('a session is found by its uid, of its own kind alone', async () => {
      const { storage } = fixture();
      const [value, uid] = [newValue(), newValue()];
      await storage.artifacts.put('Session', value, { uid }, 60, { uid });
      expect((await storage.artifacts.findByUid('Session', uid))?.payload).toEqual({ uid });
      expect(await storage.artifacts.findByUid('Interaction', uid)).toBeUndefined();
      expect(await storage.artifacts.findByUid('Session', newValue())).toBeUndefined();
    });

    test('a session that moved to a new id is found there by the same uid', async () => {
      const { storage } = fixture();
      const [old, fresh, uid] = [newValue(), newValue(), newValue()];
      await storage.artifacts.put('Session', old, { at: 'old' }, 60, { uid });
      await storage.artifacts.delete('Session', old);
      expect(await storage.artifacts.findByUid('Session', uid)).toBeUndefined();
      await storage.artifacts.put('Session', fresh, { at: 'fresh' }, 60, { uid });
      expect((await storage.artifacts.findByUid('Session', uid))?.payload).toEqual({ at: 'fresh' });
    });

    test('a device code is found by its user code until it expires', async () => {
      const { storage, elapse } = fixture();
      const [value, userCode] = [newValue(), newValue()];
      await storage.artifacts.put('DeviceCode', value, { a: 1 }, 60, { userCode });
      await storage.artifacts.consume('DeviceCode', value);
      const found = await storage.artifacts.findByUserCode('DeviceCode', userCode);
      expect(found).toEqual({ payload: { a: 1 }, consumedAt: expect.any(Date) });
      await elapse(60);
      expect(await storage.artifacts.findByUserCode('DeviceCode', userCode)).toBeUndefined();
    });

    test('deleteByGrant deletes every artifact of the kind and grant, and no other', async () => {
      const { storage, peer } = fixture();
      const [grantId, otherGrant] = [newValue(), newValue()];
      const mine = [newValue(), newValue(), newValue()];
      const [ofOther, ofOtherKind] = [newValue(), newValue()];
      for (const value of mine) await storage.artifacts.put('AccessToken', value, {}, 60, { grantId });
      await storage.artifacts.put('AccessToken', ofOther, {}, 60, { grantId: otherGrant });
      await storage.artifacts.put('AuthorizationCode', ofOtherKind, {}, 60, { grantId });
      await peer.artifacts.deleteByGrant('AccessToken', grantId);
      for (const value of mine) expect(await storage.artifacts.find('AccessToken', value)).toBeUndefined();
      expect(await storage.artifacts.find('AccessToken', ofOther)).toBeDefined();
      expect(await storage.artifacts.find('AuthorizationCode', ofOtherKind)).toBeDefined();
      await storage.artifacts.deleteByGrant('AccessToken', grantId);
    });

    test('the index of a grant lives as long as its longest artifact', async () => {
      const { storage, elapse } = fixture();
      const [grantId, long, short] = [newValue(), newValue(), newValue()];
      await storage.artifacts.put('AccessToken', long, {}, 600, { grantId });
      await storage.artifacts.put('AccessToken', short, {}, 10, { grantId });
      await elapse(300);
      await storage.artifacts.deleteByGrant('AccessToken', grantId);
      expect(await storage.artifacts.find('AccessToken', long)).toBeUndefined();
    });
  });
}
