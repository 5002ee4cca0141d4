import type { RefusalReason } from './errors.ts';

/** Longest Authorization value looked at, in characters. A Latchkey token has under 1000. */
const MAX_LENGTH = 8192;

// RFC 6750 §2.1: credentials = "Bearer" 1*SP b64token; the scheme in any case (RFC 9110 §11.1).
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;
const BEARER_SCHEME = /^bearer(?: |$)/i;

export type BearerCredentials = { token: string } | { refused: RefusalReason };

/** Reads the token out of the Authorization field's value. Says why not as a value: nothing is thrown. */
export function parseBearer(authorization: string | readonly string[] | undefined): BearerCredentials {
  if (authorization === undefined) return { refused: 'credentials_missing' };
  if (typeof authorization !== 'string') {
    return authorization.length > 1 ? { refused: 'credentials_repeated' } : parseBearer(authorization[0]);
  }
  if (authorization.length > MAX_LENGTH) return { refused: 'credentials_too_large' };
  const token = BEARER.exec(authorization)?.[1];
  if (token !== undefined) return { token };
  // Another scheme is "an unsupported authentication method": as if there were no credentials (RFC 6750 §3.1).
  return { refused: BEARER_SCHEME.test(authorization) ? 'credentials_malformed' : 'credentials_missing' };
}

/** Whether a query or a form body carries a token (RFC 6750 §2.2, §2.3), which leaks it into logs and histories. */
export function carriesToken(encoded: string): boolean {
  return encoded.includes('access_token') && new URLSearchParams(encoded).has('access_token');
}

/**
 * The Authorization field of a Node request: one value as it is, several as a list. Node itself keeps the first
 * in `headers`, and two intermediaries that choose differently are how a request is smuggled past one of them.
 */
export function readAuthorization(request: {
  readonly headers: { readonly authorization?: string | undefined };
  readonly rawHeaders: readonly string[];
}): string | readonly string[] | undefined {
  const first = request.headers.authorization;
  if (first === undefined) return undefined;
  let count = 0;
  const { rawHeaders } = request;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 13 && name.toLowerCase() === 'authorization') count += 1;
  }
  return count > 1 ? rawHeaders.filter((_, index) => isAuthorizationValue(rawHeaders, index)) : first;
}

function isAuthorizationValue(rawHeaders: readonly string[], index: number): boolean {
  return index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization';
}
