import type { Logger } from '@latchkey/service';
import {
  type DurableStorage,
  generateSigningKey,
  openPrivateJwk,
  type SigningAlgorithm,
  type SigningKey,
  sealPrivateJwk,
} from '@latchkey/storage';
import type { JWK } from 'jose';

/** The signing keys at an instant. */
export interface KeySet {
  /** With their private parts, the one that signs first for each algorithm. Includes keys that wait to be active. */
  keys: readonly PrivateKey[];
  /** When the set is another one without a word from anybody: a key becomes active, or leaves. Milliseconds. */
  until: number;
}

export interface PrivateKey {
  kid: string;
  algorithm: SigningAlgorithm;
  publicJwk: JWK;
  privateJwk: JWK;
}

export interface KeyRing {
  /** The same object until something changes. */
  current(): KeySet;
  /** Reads the keys anew. */
  reload(): Promise<void>;
  stop(): void;
}

const FIRST_ALGORITHMS = ['ES256', 'RS256'] as const;

/**
 * Bounds how long a process that missed the feed's word signs without a new key: in an emergency, with one that somebody
 * else has. As often as revocations are read again.
 */
const RELOAD_INTERVAL_MS = 10_000;

/**
 * Follows the signing keys. What a key does follows from its times, so every process changes over at the same
 * instant: nothing here decides, and nothing has to be told at that moment.
 */
export async function createKeyRing(options: {
  durable: Pick<DurableStorage, 'signingKeys'>;
  encryptionKey: Buffer;
  logger: Logger;
  /** Told of each set that is served from now on. */
  onChange: () => void;
  now: () => Date;
}): Promise<KeyRing> {
  const { durable, encryptionKey, logger, onChange, now } = options;
  const open = createOpener(encryptionKey);
  let records: SigningKey[] = [];
  let current: KeySet = { keys: [], until: 0 };

  const change = (fresh: KeySet) => {
    current = fresh;
    onChange();
  };
  const read = async () => {
    const listed = await durable.signingKeys.list();
    const fresh = selectKeys(listed, now(), open);
    // Only now that each has opened: what is kept here is selected from again, where nobody could catch.
    records = listed;
    const same = fresh.until === current.until && sameKeys(fresh, current);
    if (!same) change(fresh);
  };
  let reading = Promise.resolve();
  const reload = () => {
    // One after another, or a slow read of the keys as they were would replace what a later one found.
    reading = reading.catch(() => {}).then(read);
    return reading;
  };

  await ensureFirstKeys(durable, encryptionKey, now);
  await reload();
  const timer = setInterval(() => {
    reload().catch((error) => logger.warn({ err: error }, 'signing keys not read, the known ones stay'));
  }, RELOAD_INTERVAL_MS);
  timer.unref();

  return {
    current() {
      if (now().getTime() >= current.until) change(selectKeys(records, now(), open));
      return current;
    },
    reload,
    stop: () => clearInterval(timer),
  };
}

/** Each key once. */
function createOpener(encryptionKey: Buffer): (record: SigningKey) => PrivateKey {
  const opened = new Map<string, PrivateKey>();
  return (record) => {
    const known = opened.get(record.kid);
    if (known) return known;
    const { kid, algorithm, publicJwk, sealedPrivateJwk } = record;
    const named = { kid, alg: algorithm, use: 'sig' };
    const key = {
      kid,
      algorithm,
      publicJwk: { ...publicJwk, ...named },
      privateJwk: { ...openPrivateJwk(encryptionKey, kid, sealedPrivateJwk), ...named },
    };
    opened.set(kid, key);
    return key;
  };
}

function sameKeys(a: KeySet, b: KeySet): boolean {
  return a.keys.length === b.keys.length && a.keys.every(({ kid }, index) => kid === b.keys[index]?.kid);
}

/** Published keys: active before waiting, newest active first, so that the first of an algorithm signs. */
export function selectKeys(
  records: readonly SigningKey[],
  at: Date,
  open: (record: SigningKey) => PrivateKey,
): KeySet {
  const time = at.getTime();
  const published = records.filter(({ retiredAt }) => retiredAt === null || retiredAt.getTime() > time);
  const active = published.filter(({ activeAt }) => activeAt.getTime() <= time);
  const waiting = published.filter(({ activeAt }) => activeAt.getTime() > time);
  const byActivation = (a: SigningKey, b: SigningKey) => b.activeAt.getTime() - a.activeAt.getTime();
  const changes = published
    .flatMap(({ activeAt, retiredAt }) => [activeAt.getTime(), retiredAt?.getTime() ?? Infinity])
    .filter((instant) => instant > time);
  return {
    keys: [...active.toSorted(byActivation), ...waiting.toSorted(byActivation)].map(open),
    until: Math.min(Infinity, ...changes),
  };
}

/** Of processes that start together on an empty database each makes keys, and one's are kept. */
async function ensureFirstKeys(
  { signingKeys }: Pick<DurableStorage, 'signingKeys'>,
  encryptionKey: Buffer,
  now: () => Date,
): Promise<void> {
  const present = await signingKeys.list();
  for (const algorithm of FIRST_ALGORITHMS) {
    if (present.some((key) => key.algorithm === algorithm)) continue;
    const { kid, publicJwk, privateJwk } = await generateSigningKey(algorithm);
    const sealedPrivateJwk = sealPrivateJwk(encryptionKey, kid, privateJwk);
    await signingKeys.createFirst({
      kid,
      algorithm,
      publicJwk,
      sealedPrivateJwk,
      activeAt: now(),
    });
  }
}
