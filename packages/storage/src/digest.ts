import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** A key prepared once: making one for each HMAC costs six times the HMAC itself. */
const prepared = new WeakMap<Buffer, KeyObject>();

/** How bearer values that we made (256 random bits) are stored: SHA-256. Nothing slower is any safer for them. */
export function digestBearer(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}

/**
 * How client secrets are stored: HMAC-SHA-256 under the pepper, which is not in the database. An operator may
 * declare a secret of his own, which can be weaker than ours; without the pepper a stolen table tells nothing.
 */
export function digestSecret(pepper: Buffer, secret: string): Buffer {
  return createHmac('sha256', keyOf(pepper)).update(secret).digest();
}

function keyOf(pepper: Buffer): KeyObject {
  let key = prepared.get(pepper);
  if (!key) {
    key = createSecretKey(pepper);
    prepared.set(pepper, key);
  }
  return key;
}
