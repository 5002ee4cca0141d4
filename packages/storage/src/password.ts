import argon2 from 'argon2';

/** argon2id, OWASP's second choice of parameters: 19 MiB, two passes, one lane. */
const PARAMETERS = { type: argon2.argon2id as 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * Hashes in flight at once. Each holds one of libuv's four threads, which signing and name look-ups share:
 * a login storm must not stall every token in the process.
 */
const MAX_CONCURRENT = 2;

let running = 0;
const waiting: (() => void)[] = [];

/** The argon2id digest of a password, in PHC string form. */
export function hashPassword(password: string): Promise<string> {
  return takeTurn(() => argon2.hash(password, PARAMETERS));
}

/** Whether the password is the digest's. A malformed digest is an error, not a mismatch. */
export function verifyPassword(digest: string, password: string): Promise<boolean> {
  return takeTurn(() => argon2.verify(digest, password));
}

/** Whether the digest was made with other parameters than today's, so that it should be made anew. */
export function passwordNeedsRehash(digest: string): boolean {
  return argon2.needsRehash(digest, PARAMETERS);
}

async function takeTurn<T>(hash: () => Promise<T>): Promise<T> {
  if (running >= MAX_CONCURRENT) {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push(resolve);
    await promise;
  } else {
    running++;
  }
  try {
    return await hash();
  } finally {
    const next = waiting.shift();
    // The turn passes on without `running` falling, so that nobody slips in between.
    if (next) next();
    else running--;
  }
}
