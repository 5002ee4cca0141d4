import { randomBytes } from 'node:crypto';
import { openPrivateJwk, SealedKeyError, sealPrivateJwk } from '@latchkey/storage';
import { describe, expect, test } from 'vitest';

describe('sealed private keys', () => {
  const key = randomBytes(32);
  const jwk = { kty: 'EC', crv: 'P-256', d: 'private' };

  test('what was sealed opens under the same key and kid', () => {
    expect(openPrivateJwk(key, 'kid-1', sealPrivateJwk(key, 'kid-1', jwk))).toEqual(jwk);
  });

  test('nothing of the key is readable, and two seals of it differ', () => {
    const sealed = sealPrivateJwk(key, 'kid-1', jwk);
    expect(sealed.includes('private')).toBe(false);
    expect(sealPrivateJwk(key, 'kid-1', jwk)).not.toEqual(sealed);
  });

  test('another encryption key says what is wrong', () => {
    const sealed = sealPrivateJwk(key, 'kid-1', jwk);
    expect(() => openPrivateJwk(randomBytes(32), 'kid-1', sealed)).toThrow(SealedKeyError);
    expect(() => openPrivateJwk(randomBytes(32), 'kid-1', sealed)).toThrow(/kid-1.*encryption key/);
  });

  test('a sealed key moved to another kid does not open', () => {
    expect(() => openPrivateJwk(key, 'kid-2', sealPrivateJwk(key, 'kid-1', jwk))).toThrow(SealedKeyError);
  });

  test('an altered one does not open, whichever byte was changed', () => {
    const sealed = sealPrivateJwk(key, 'kid-1', jwk);
    for (let index = 0; index < sealed.length; index += 1) {
      const altered = Buffer.from(sealed);
      altered[index] = (altered[index] ?? 0) ^ 1;
      expect(() => openPrivateJwk(key, 'kid-1', altered)).toThrow(SealedKeyError);
    }
    expect(() => openPrivateJwk(key, 'kid-1', Buffer.alloc(0))).toThrow(SealedKeyError);
  });

  test('an encryption key of another length is refused', () => {
    expect(() => sealPrivateJwk(randomBytes(16), 'kid-1', jwk)).toThrow(TypeError);
  });
});
