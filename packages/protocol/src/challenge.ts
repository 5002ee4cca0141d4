/** `WWW-Authenticate` challenges (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9728 §5.1). */
export interface BearerChallenge {
  realm?: string;
  error?: string;
  error_description?: string;
  /** Space-delimited, as required by the resource (RFC 6750 §3). */
  scope?: string;
  /** URL of the protected resource's metadata (RFC 9728 §5.1). */
  resource_metadata?: string;
}

/**
 * Formats one challenge. RFC 6750 §3 allows no quotation mark, backslash, control or non-ASCII character in a
 * value: they are dropped, so a value never ends its quotes or the header.
 */
export function formatChallenge(scheme: string, parameters: BearerChallenge): string {
  const pairs = Object.entries(parameters)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name}="${String(value).replace(/[^\x20-\x7e]|["\\]/g, '')}"`);
  return pairs.length === 0 ? scheme : `${scheme} ${pairs.join(', ')}`;
}
