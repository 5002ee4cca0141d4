import { type ParsedApiKey, parseApiKey } from '@latchkey/protocol';
import type { ApiKeyLookup, ApiKeyRecord } from './api-keys.ts';
import { type Cache, type CacheBounds, createCache } from './cache.ts';
import { createHolder, type Holder } from './holder.ts';
import type { Refuse } from './refuse.ts';
import { freezeScopes } from './scopes.ts';

/** A key whose secret was verified against this very record. */
export interface VerifiedApiKey {
  readonly record: ApiKeyRecord;
  readonly holder: Holder;
}

export interface ApiKeyVerifier {
  accepted(): boolean;
  recall(authorization: string): VerifiedApiKey | undefined;
  /** Asks for the record again: another object is another key. @throws {GuardError}, or rejects with it */
  recheck(known: VerifiedApiKey, authorization: string): Holder | Promise<Holder>;
  /** @throws {GuardError}, or rejects with it */
  verifyApiKey(text: string, key: ParsedApiKey): Holder | Promise<Holder>;
  /** The record, if the key is real: whether it may be used is another question. */
  identify(key: ParsedApiKey): Promise<ApiKeyRecord | undefined>;
}

/** Principal, standing and map slots, by heap measurement, rounded up; the record is the look-up's. */
export const ENTRY_BYTES = 1_000;
/** Holds 200,000 keys in use at once, if ever there are so many. */
export const DEFAULT_BOUNDS: CacheBounds = { maxEntries: 400_000, maxBytes: 536_870_912 };
const SCHEME = 'Bearer ';

interface Deps {
  apiKeys: ApiKeyLookup;
  bounds: CacheBounds | undefined;
  refuse: Refuse;
  now: () => number;
}

/** Verifies API keys by records that are looked up here. The secret is verified once per key and record. */
export function createApiKeyVerifier(deps: Deps): ApiKeyVerifier {
  const { apiKeys } = deps;
  const cache = createCache<VerifiedApiKey>(deps.bounds ?? DEFAULT_BOUNDS, ENTRY_BYTES);
  const { judge, judgeAgain } = createJudges(deps, cache);
  return {
    accepted: () => apiKeys.accepted(),
    recall: (authorization) => cache.get(authorization),
    recheck(known, authorization) {
      const found = apiKeys.find(known.record.id);
      if (found instanceof Promise) return found.then((record) => judgeAgain(record, known, authorization));
      return judgeAgain(found, known, authorization);
    },
    verifyApiKey(text, key) {
      const found = apiKeys.find(key.id);
      if (found instanceof Promise) return found.then((record) => judge(record, text, key));
      return judge(found, text, key);
    },
    async identify(key) {
      const record = await apiKeys.find(key.id);
      return record !== undefined && isReal(apiKeys, record, key) ? record : undefined;
    },
  };
}

/** What becomes of a key once its record is there. */
function createJudges({ apiKeys, refuse, now }: Deps, cache: Cache<VerifiedApiKey>) {
  function requireTime({ expiresAt }: ApiKeyRecord): void {
    if (expiresAt !== undefined && now() >= expiresAt) throw refuse('api_key_expired');
  }

  function judge(record: ApiKeyRecord | undefined, text: string, key: ParsedApiKey): Holder {
    // An unknown id and a wrong secret are told apart by nobody but the holder of the secret.
    if (record === undefined || !isReal(apiKeys, record, key)) throw refuse('api_key_unknown');
    if (record.revoked) throw refuse('api_key_revoked');
    requireTime(record);
    const holder = createHolder(toPrincipal(record), record);
    cache.set(SCHEME + text, { record, holder });
    return holder;
  }

  function judgeAgain(record: ApiKeyRecord | undefined, known: VerifiedApiKey, authorization: string) {
    if (record === known.record) {
      requireTime(record);
      return known.holder;
    }
    const text = authorization.slice(SCHEME.length);
    const key = parseApiKey(text);
    if (key === undefined) throw refuse('api_key_malformed');
    return judge(record, text, key);
  }

  return { judge, judgeAgain };
}

/** A key with the other environment's name and a checksum to match is another key than the one that was issued. */
function isReal(apiKeys: ApiKeyLookup, record: ApiKeyRecord, key: ParsedApiKey): boolean {
  return record.environment === key.environment && apiKeys.verify(record, key);
}

function toPrincipal(record: ApiKeyRecord): Holder['principal'] {
  return Object.freeze({
    kind: 'api_key',
    apiKeyId: record.id,
    credentialId: record.id,
    organizationId: record.organizationId,
    environment: record.environment,
    scopes: freezeScopes(record.scopes),
  });
}
