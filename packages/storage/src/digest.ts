import { createHash, createHmac } from 'node:crypto';

/** How bearer values that we made (256 random bits) are stored: SHA-256. Nothing slower is any safer for them. */
export function digestBearer(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}

/**
 * How client secrets are stored: HMAC-SHA-256 under the pepper, which is not in the database. An operator may
 * declare a secret of his own, which can be weaker than ours; without the pepper a stolen table tells nothing.
 */
export function digestSecret(pepper: Buffer, secret: string): Buffer {
  return createHmac('sha256', pepper).update(secret).digest();
}
