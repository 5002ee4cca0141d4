import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Logger } from '@latchkey/service';
import { unavailable } from '@latchkey/service';
import { z } from 'zod';

/** GitHub's, for its secret scanning partner programme. */
export const GITHUB_REPORTER_KEYS_URL = 'https://api.github.com/meta/public_keys/secret_scanning';

/** A key that the reporter has withdrawn is believed no longer than this. */
const MAX_AGE_MS = 60 * 60_000;
/** After the first failure while there is no fresh list; twice as long after each further one. */
const RETRY_MS = 10_000;
/**
 * Between reads for unknown names, which anybody can make up, and at most between failed ones. GitHub answers 60
 * unauthenticated requests an hour to an address, which strangers must not use up, nor several processes behind it.
 */
const MAX_PAUSE_MS = 15 * 60_000;
const TIMEOUT_MS = 5_000;
const MAX_KEYS = 100;
const MAX_DOCUMENT_BYTES = 256 * 1024;

const document = z.object({
  public_keys: z.array(z.object({ key_identifier: z.string().min(1), key: z.string() })).max(MAX_KEYS),
});

/** Public keys of who reports leaked keys. */
export interface ReporterKeys {
  /**
   * The key, or undefined when the reporter has none of that name.
   * @throws {HttpError} `temporarily_unavailable` when that cannot be told because the reporter's list is not to be had
   */
  find(identifier: string): Promise<KeyObject | undefined>;
}

export function createReporterKeys(deps: { url: string; logger: Logger; now: () => Date }): ReporterKeys {
  const { url, logger, now } = deps;
  let keys = new Map<string, KeyObject>();
  let readAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let failures = 0;
  let failure: unknown;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    try {
      keys = await fetchKeys(url);
      readAt = now().getTime();
      failures = 0;
      failure = undefined;
    } catch (error) {
      failures += 1;
      failure = error;
      logger.warn({ err: error }, 'public keys for leak reports not read');
    }
  }

  /** Callers share one read. */
  function refresh(): Promise<void> {
    triedAt = now().getTime();
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  const isFresh = () => now().getTime() - readAt < MAX_AGE_MS;
  const pause = () => (isFresh() ? MAX_PAUSE_MS : Math.min(RETRY_MS * 2 ** (failures - 1), MAX_PAUSE_MS));
  return {
    async find(identifier) {
      const known = isFresh() && keys.has(identifier);
      if (!known && (reading || now().getTime() - triedAt >= pause())) await (reading ?? refresh());
      if (isFresh() && keys.has(identifier)) return keys.get(identifier);
      if (failure !== undefined) throw unavailable(failure);
      return undefined;
    },
  };
}

async function fetchKeys(url: string): Promise<Map<string, KeyObject>> {
  const response = await fetch(url, {
    headers: { accept: 'application/json', 'user-agent': 'latchkey' },
    // A redirect would let whoever controls some page of that host choose the keys.
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const { public_keys } = document.parse(JSON.parse(await readLimited(response)));
  const keys = new Map(
    public_keys.flatMap(({ key_identifier, key }) => {
      const publicKey = readKey(key);
      return publicKey ? [[key_identifier, publicKey] as const] : [];
    }),
  );
  // A reporter without keys could report nothing: it is a fault of the list, which must not replace a good one.
  if (keys.size === 0) throw new Error(`${url} lists no key that can be used`);
  return keys;
}

async function readLimited(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of response.body ?? []) {
    received += chunk.length;
    if (received > MAX_DOCUMENT_BYTES) throw new Error('the list of public keys is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** P-256 alone, which is what reports are signed with: a key of another kind would mean another algorithm. */
function readKey(pem: string): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: pem, format: 'pem' });
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    // One entry that is no key must not make the others useless.
    return undefined;
  }
}
