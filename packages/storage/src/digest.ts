import { createHash, hash } from 'node:crypto';

/** How bearer values that we made (256 random bits) are stored: SHA-256. Nothing slower is any safer for them. */
export function digestBearer(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}

/**
 * How client secrets are stored: HMAC-SHA-256 under the pepper, which is not in the database. An operator may
 * declare a secret of his own, which can be weaker than ours; without the pepper a stolen table tells nothing.
 *
 * Written out (RFC 2104 §2) because every token request checks a secret: two one-shot hashes cost a fraction of an
 * HMAC object, which leaves work to the garbage collector.
 */
export function digestSecret(pepper: Buffer, secret: string): Buffer {
  const { inner, outer } = padsOf(pepper);
  const message = Buffer.concat([inner, Buffer.from(secret)]);
  return hash('sha256', Buffer.concat([outer, hash('sha256', message, 'buffer')]), 'buffer');
}

const BLOCK_BYTES = 64;

interface Pads {
  inner: Buffer;
  outer: Buffer;
}

const known = new WeakMap<Buffer, Pads>();

function padsOf(pepper: Buffer): Pads {
  let pads = known.get(pepper);
  if (!pads) {
    const key = pepper.length > BLOCK_BYTES ? hash('sha256', pepper, 'buffer') : pepper;
    const pad = (byte: number) =>
      Buffer.alloc(BLOCK_BYTES, byte).map((value, index) => value ^ (key[index] ?? 0));
    pads = { inner: Buffer.from(pad(0x36)), outer: Buffer.from(pad(0x5c)) };
    known.set(pepper, pads);
  }
  return pads;
}
