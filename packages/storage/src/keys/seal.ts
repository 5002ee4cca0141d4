import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const VERSION = 1;
/** Bytes. NIST SP 800-38D §8.2: a 96-bit nonce, random, fit for 2^32 seals under one key. */
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const HEADER_LENGTH = 1 + NONCE_LENGTH + TAG_LENGTH;

/** A sealed private key could not be opened: sealed under another encryption key or kid, or altered since. */
export class SealedKeyError extends Error {
  override name = 'SealedKeyError';
}

/**
 * Encrypts the private JWK with AES-256-GCM. `kid` is associated data: a sealed key moved to another row does not
 * open. Layout: version (1 byte), nonce (12), tag (16), ciphertext. The encryption key has 32 bytes.
 */
export function sealPrivateJwk(encryptionKey: Buffer, kid: string, jwk: Record<string, unknown>): Buffer {
  const nonce = randomBytes(NONCE_LENGTH);
  const cipher = createCipheriv('aes-256-gcm', requireKey(encryptionKey), nonce);
  cipher.setAAD(Buffer.from(kid));
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(jwk), 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), ciphertext]);
}

/** Opens what `sealPrivateJwk` made. Throws `SealedKeyError`. */
export function openPrivateJwk(encryptionKey: Buffer, kid: string, sealed: Buffer): Record<string, unknown> {
  if (sealed[0] !== VERSION || sealed.length <= HEADER_LENGTH) {
    throw new SealedKeyError(`signing key ${kid} is sealed in a form this release does not know`);
  }
  const nonce = sealed.subarray(1, 1 + NONCE_LENGTH);
  const decipher = createDecipheriv('aes-256-gcm', requireKey(encryptionKey), nonce, {
    authTagLength: TAG_LENGTH,
  });
  decipher.setAAD(Buffer.from(kid));
  decipher.setAuthTag(sealed.subarray(1 + NONCE_LENGTH, HEADER_LENGTH));
  try {
    const text = Buffer.concat([decipher.update(sealed.subarray(HEADER_LENGTH)), decipher.final()]);
    return JSON.parse(text.toString('utf8'));
  } catch (cause) {
    throw new SealedKeyError(
      `signing key ${kid} does not open: is the encryption key the one it was sealed with?`,
      {
        cause,
      },
    );
  }
}

function requireKey(encryptionKey: Buffer): Buffer {
  if (encryptionKey.length !== 32) throw new TypeError('the encryption key must have 32 bytes');
  return encryptionKey;
}
