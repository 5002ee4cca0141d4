import { findApiKeyInUrl, type ParsedApiKey, parseApiKey } from '@latchkey/protocol';
import type { RefusalReason } from './refusals.ts';

/** A credential where no credential belongs. */
export interface Exposure {
  readonly reason: Extract<RefusalReason, 'token_in_url' | 'api_key_in_url'>;
  readonly where: 'query' | 'path';
  /** Absent where what stands there can be no key of ours. */
  readonly exposed?: ExposedKey | undefined;
}

export interface ExposedKey {
  readonly text: string;
  readonly key: ParsedApiKey;
}

/** What an ordinary query does not have: only those that do are looked at closely. */
const SUSPICIOUS = /%|sk_|access_token|api[_-]?key/i;

const API_KEY_NAMES: ReadonlySet<string> = new Set([
  'api_key',
  'apikey',
  'api-key',
  'x-api-key',
  'x_api_key',
]);

/**
 * The first credential in the URL: an API key of ours, whole, percent-encoded or mistyped, anywhere in it; or a query
 * parameter that is named like a credential (RFC 6750 §2.3 for tokens).
 */
export function findExposure(path: string, query: string): Exposure | undefined {
  const inPath = findApiKeyInUrl(path);
  if (inPath !== undefined) return exposureOf(inPath, 'path');
  if (query === '' || !SUSPICIOUS.test(query)) return undefined;
  const inQuery = findApiKeyInUrl(query);
  if (inQuery !== undefined) return exposureOf(inQuery, 'query');
  const names = [...new URLSearchParams(query).keys()];
  if (names.includes('access_token')) return { reason: 'token_in_url', where: 'query' };
  const named = names.some((name) => API_KEY_NAMES.has(name.toLowerCase()));
  return named ? { reason: 'api_key_in_url', where: 'query' } : undefined;
}

function exposureOf(text: string, where: Exposure['where']): Exposure {
  const key = parseApiKey(text);
  return { reason: 'api_key_in_url', where, exposed: key && { text, key } };
}

/** Whether a form body carries a token (RFC 6750 §2.2), which leaks it into logs. */
export function carriesToken(encoded: string): boolean {
  return encoded.includes('access_token') && new URLSearchParams(encoded).has('access_token');
}
