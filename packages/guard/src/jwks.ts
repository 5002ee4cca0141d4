import { describeFetchFailure } from './fetch-failure.ts';
import type { Algorithm, VerificationKey } from './keys.ts';
import { readKeys } from './keys.ts';

export interface JwksOptions {
  uri: string;
  algorithms: readonly Algorithm[];
  fetch: Fetch;
  /** Epoch milliseconds. */
  now: () => number;
  /** Told of each fetch that failed; requests go on with the keys that are there. */
  onFailure: (error: unknown) => void;
}

export type Fetch = (
  uri: string,
  init: { headers: Record<string, string>; redirect: 'error'; signal: AbortSignal },
) => Promise<Response>;

export interface Jwks {
  /** From memory. A key that is not there may be new: see `refetch`. */
  find(kid: string): VerificationKey | undefined;
  /** Starts a fetch when the keys have grown old. Costs one comparison; never waits, never throws. */
  keepFresh(now: number): void;
  /** Fetches unless that was done for another a moment ago; joins a fetch in flight. False when the last one failed. */
  refetch(): Promise<boolean>;
  /** Fetches now, since the issuer said that its keys changed: what is in flight may have been answered before that. */
  refresh(): Promise<boolean>;
}

/** Keys are fetched anew after this, in the background. */
const STALE_AFTER_MS = 60_000;
/** After an announced change, sooner: a process of the issuer that had not heard of it yet may have answered. */
const UNSETTLED_AFTER_MS = 1_000;
/**
 * Least time between fetches for unknown kids: a flood of made-up ones costs the issuer one request each. Other fetches
 * do not count, or one that came a moment too early would shut out a new key for so long.
 */
const COOLDOWN_MS = 10_000;
/** After a failure, sooner: without keys every request waits for them. */
const FAILURE_COOLDOWN_MS = 1_000;
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 262_144;

export function createJwks({ uri, algorithms, fetch, now, onFailure }: JwksOptions): Jwks {
  let keys = new Map<string, VerificationKey>();
  let inFlight: Promise<boolean> | undefined;
  let lastSucceeded = false;
  let cooldownUntil = Number.NEGATIVE_INFINITY;
  let staleAt = Number.NEGATIVE_INFINITY;

  async function load(): Promise<boolean> {
    try {
      const next = await readKeys(await fetchJson(fetch, uri), algorithms, keys);
      for (const key of keys.values()) key.published = next.get(key.kid) === key;
      keys = next;
      lastSucceeded = true;
      staleAt = now() + STALE_AFTER_MS;
    } catch (error) {
      lastSucceeded = false;
      cooldownUntil = staleAt = now() + FAILURE_COOLDOWN_MS;
      onFailure(error);
    }
    inFlight = undefined;
    return lastSucceeded;
  }

  const join = () => {
    inFlight ??= load();
    return inFlight;
  };
  return {
    find: (kid) => keys.get(kid),
    keepFresh(at) {
      if (at >= staleAt) void join();
    },
    async refetch() {
      if (inFlight !== undefined) return inFlight;
      if (now() < cooldownUntil) return lastSucceeded;
      cooldownUntil = now() + COOLDOWN_MS;
      return join();
    },
    async refresh() {
      await inFlight;
      const succeeded = await join();
      staleAt = Math.min(staleAt, now() + UNSETTLED_AFTER_MS);
      return succeeded;
    },
  };
}

async function fetchJson(fetch: Fetch, uri: string): Promise<unknown> {
  const request = fetch(uri, {
    // A cache on the way would answer with what it kept, after a change was announced as well.
    headers: { accept: 'application/jwk-set+json, application/json', 'cache-control': 'no-cache' },
    // Keys come from the address that was configured, not from wherever it points to today.
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const response = await request.catch((cause: unknown) => {
    throw new Error(describeFetchFailure(uri, cause, TIMEOUT_MS), { cause });
  });
  if (response.status !== 200) {
    const hint = response.status === 421 ? ': is this its public URL?' : '';
    throw new Error(`${uri} answered ${response.status}${hint}`);
  }
  return JSON.parse(await readText(response, uri));
}

async function readText(response: Response, uri: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of response.body ?? []) {
    received += chunk.length;
    if (received > MAX_BYTES) throw new Error(`${uri} answered more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
