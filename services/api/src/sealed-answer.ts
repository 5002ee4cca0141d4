import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const VERSION = 1;
/** Bytes. NIST SP 800-38D §8.2: a 96-bit nonce, random. Each key here seals once or twice. */
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const HEADER_LENGTH = 1 + NONCE_LENGTH + TAG_LENGTH;

/** What an answer is kept under. `digest` names its record; the Idempotency-Key's value is kept nowhere. */
export interface AnswerLock {
  pepper: Buffer;
  idempotencyKey: string;
  digest: Buffer;
}

/**
 * Encrypts with AES-256-GCM under a key derived from the pepper and the Idempotency-Key: an answer may hold an API key
 * that is shown once, and who steals the database, even with the pepper, lacks what only the caller knows. The
 * record's digest is associated data, so that an answer moved to another record does not open. Layout: version
 * (1 byte), nonce (12), tag (16), ciphertext.
 */
export function sealAnswer(lock: AnswerLock, answer: unknown): Buffer {
  const nonce = randomBytes(NONCE_LENGTH);
  const cipher = createCipheriv('aes-256-gcm', deriveKey(lock), nonce);
  cipher.setAAD(lock.digest);
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(answer), 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), ciphertext]);
}

/** Opens what `sealAnswer` made. Throws when it was altered, or made by a later release. */
export function openAnswer(lock: AnswerLock, sealed: Buffer): unknown {
  if (sealed[0] !== VERSION) throw new Error('a kept answer is sealed in a form this release does not know');
  const nonce = sealed.subarray(1, 1 + NONCE_LENGTH);
  const decipher = createDecipheriv('aes-256-gcm', deriveKey(lock), nonce, { authTagLength: TAG_LENGTH });
  decipher.setAAD(lock.digest);
  decipher.setAuthTag(sealed.subarray(1 + NONCE_LENGTH, HEADER_LENGTH));
  const text = Buffer.concat([decipher.update(sealed.subarray(HEADER_LENGTH)), decipher.final()]);
  return JSON.parse(text.toString('utf8'));
}

/** HKDF (RFC 5869) over two secrets that are never in one place: the pepper, and what the caller alone knows. */
function deriveKey({ pepper, idempotencyKey, digest }: AnswerLock): Buffer {
  const material = Buffer.concat([pepper, Buffer.from(idempotencyKey)]);
  return Buffer.from(hkdfSync('sha256', material, digest, 'latchkey idempotency answer', 32));
}
