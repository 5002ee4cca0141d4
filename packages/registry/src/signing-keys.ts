import {
  generateSigningKey,
  openPrivateJwk,
  SealedKeyError,
  type SigningAlgorithm,
  type SigningKey,
  sealPrivateJwk,
} from '@latchkey/storage';
import { InvalidInputError, NotFoundError, StateError } from './faults.ts';
import { MAX_TOKEN_TTL_SECONDS } from './inputs.ts';
import { inTransaction, type Operator, recordChange } from './operator.ts';

/**
 * The least time a key is published before it signs. Validators may keep the JWKS for a minute, and a process of the
 * authorization server that missed the feed's word publishes it a minute late.
 */
export const MIN_PUBLISHED_SECONDS = 120;

export interface Rotation {
  algorithm: SigningAlgorithm;
  /** Seconds from publishing the new key to signing with it. */
  activateAfterSeconds: number;
  /** The old key has leaked: it leaves the JWKS when the new one signs, and what it signed dies with it. */
  emergency: boolean;
}

/** Publishes a successor, to sign later; its predecessor stays published until its last token has expired. */
export async function rotateSigningKey(
  operator: Operator,
  encryptionKey: Buffer,
  rotation: Rotation,
): Promise<SigningKey> {
  const { algorithm, activateAfterSeconds, emergency } = rotation;
  if (!emergency && activateAfterSeconds < MIN_PUBLISHED_SECONDS) {
    const message = `must be at least ${MIN_PUBLISHED_SECONDS} seconds, in which every validator meets the new key`;
    throw new InvalidInputError([{ field: 'activate-after', message }]);
  }
  await requireTheirKey(operator, encryptionKey);
  const { kid, publicJwk, privateJwk } = await generateSigningKey(algorithm);
  const sealedPrivateJwk = sealPrivateJwk(encryptionKey, kid, privateJwk);
  return inTransaction(operator, (within) => publish(within, { kid, publicJwk, sealedPrivateJwk }, rotation));
}

/** A key sealed under another one would open for no process of the authorization server. */
async function requireTheirKey({ durable }: Operator, encryptionKey: Buffer): Promise<void> {
  const published = await durable.signingKeys.list();
  const opens = ({ kid, sealedPrivateJwk }: SigningKey) => {
    try {
      openPrivateJwk(encryptionKey, kid, sealedPrivateJwk);
      return true;
    } catch (error) {
      if (error instanceof SealedKeyError) return false;
      throw error;
    }
  };
  if (published.length === 0 || published.some(opens)) return;
  throw new StateError('The encryption key is not the one that the published signing keys are sealed with');
}

async function publish(
  operator: Operator,
  made: Pick<SigningKey, 'kid' | 'publicJwk' | 'sealedPrivateJwk'>,
  { algorithm, activateAfterSeconds, emergency }: Rotation,
): Promise<SigningKey> {
  const others = (await operator.durable.signingKeys.list()).filter((key) => key.algorithm === algorithm);
  if (emergency) await dropWaiting(operator, others);
  // A first key has nobody to take over from, and signs from the start.
  const first = others.every((key) => key.activeAt > operator.now());
  const activeAt = first ? operator.now() : later(operator.now(), activateAfterSeconds);
  const previousRetiredAt = emergency ? activeAt : later(activeAt, MAX_TOKEN_TTL_SECONDS);
  const key = await operator.durable.signingKeys.rotate({ ...made, algorithm, activeAt }, previousRetiredAt);
  if (emergency) {
    // `rotate` leaves keys alone whose end is set, and the one that leaked may be among those with a later one.
    for (const other of others) await operator.durable.signingKeys.retire(other.kid, activeAt);
  }
  await operator.announce({ type: 'signing_keys' });
  const details = { algorithm, active_at: activeAt.toISOString(), emergency };
  await recordChange(operator, 'signing_key.rotated', { type: 'signing_key', id: made.kid }, { details });
  return key;
}

/** A key that waits would keep `rotate` from adding another. */
async function dropWaiting({ durable, now }: Operator, keys: SigningKey[]): Promise<void> {
  for (const { kid, activeAt } of keys) if (activeAt > now()) await durable.signingKeys.retire(kid, now());
}

/** Takes a key out of the JWKS: whatever it signed fails from now on. The one that signs cannot go. */
export async function retireSigningKey(operator: Operator, kid: string): Promise<void> {
  const now = operator.now();
  const keys = await operator.durable.signingKeys.list();
  const key = keys.find((candidate) => candidate.kid === kid);
  if (!key) throw new NotFoundError('signing key', kid);
  if (keyState(key, keys, now) !== 'retiring') {
    const message = `Key ${kid} has no successor that signs yet; "latchkey signing-keys rotate" makes one`;
    throw new InvalidInputError([{ field: '', message }]);
  }
  await inTransaction(operator, async (within) => {
    await within.durable.signingKeys.retire(kid, now);
    await within.announce({ type: 'signing_keys' });
    await recordChange(within, 'signing_key.retired', { type: 'signing_key', id: kid });
  });
}

export type SigningKeyState = 'waiting' | 'signing' | 'retiring' | 'retired';

/** What the key does at `now`, which follows from the times of the algorithm's keys alone. */
export function keyState(key: SigningKey, keys: SigningKey[], now: Date): SigningKeyState {
  if (key.retiredAt && key.retiredAt <= now) return 'retired';
  if (key.activeAt > now) return 'waiting';
  const superseded = keys.some(
    (other) => other.algorithm === key.algorithm && other.activeAt > key.activeAt && other.activeAt <= now,
  );
  return superseded ? 'retiring' : 'signing';
}

function later(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + seconds * 1000);
}
