import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestSecret } from '../src/index.ts';

describe('the digest of a client secret', () => {
  test('RFC 4231 §4.3: is HMAC-SHA-256 of the published vector', () => {
    expect(digestSecret(Buffer.from('Jefe'), 'what do ya want for nothing?').toString('hex')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  test('is HMAC-SHA-256 for every pepper and secret', () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(bytes, fc.string({ unit: 'binary' }), (pepper, secret) => {
        const expected = createHmac('sha256', pepper).update(secret).digest();
        expect(digestSecret(Buffer.from(pepper), secret)).toEqual(expected);
      }),
    );
  });
});
