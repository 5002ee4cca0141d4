import { type ParsedApiKey, parseApiKey, resemblesApiKey } from '@latchkey/protocol';
import type { RefusalReason } from './refusals.ts';

/** Longest Authorization value looked at, in characters. A Latchkey token has under 1000. */
const MAX_LENGTH = 8192;

// RFC 6750 §2.1: credentials = "Bearer" 1*SP b64token; the scheme in any case (RFC 9110 §11.1).
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;
const BEARER_SCHEME = /^bearer(?: |$)/i;

/** `key` is absent where the text means to be an API key and cannot be one: mistyped, or cut short. */
export type Credentials =
  | { readonly kind: 'token'; readonly text: string }
  | { readonly kind: 'api_key'; readonly text: string; readonly key: ParsedApiKey | undefined }
  | { readonly refused: RefusalReason };

/**
 * Reads the Authorization field's value. Says why not as a value: nothing is thrown.
 * @param opaque whether opaque tokens are taken: one in 130,000 of them begins with `sk_` or `sk-` by chance
 */
export function parseCredentials(
  authorization: string | readonly string[] | undefined,
  { opaque }: { opaque: boolean },
): Credentials {
  if (authorization === undefined) return { refused: 'credentials_missing' };
  if (typeof authorization !== 'string') {
    if (authorization.length > 1) return { refused: 'credentials_repeated' };
    return parseCredentials(authorization[0], { opaque });
  }
  if (authorization.length > MAX_LENGTH) return { refused: 'credentials_too_large' };
  const text = BEARER.exec(authorization)?.[1];
  // Another scheme is "an unsupported authentication method": as if there were no credentials (RFC 6750 §3.1).
  if (text === undefined) {
    return { refused: BEARER_SCHEME.test(authorization) ? 'credentials_malformed' : 'credentials_missing' };
  }
  if (!resemblesApiKey(text)) return { kind: 'token', text };
  const key = parseApiKey(text);
  return key || !opaque || OUR_PREFIX.test(text) ? { kind: 'api_key', text, key } : { kind: 'token', text };
}

/** No opaque token begins like this by chance. */
const OUR_PREFIX = /^sk_(?:live|test)_/;
