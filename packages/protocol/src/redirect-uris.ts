import type { ApplicationType } from './client-metadata.ts';

const MAX_LENGTH = 2048;
/** RFC 3986 §2: the characters of a URI. No whitespace, control character, backslash or non-ASCII look-alike. */
const URI_CHARACTERS = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/;
const LOOPBACK_HOSTS = ['127.0.0.1', '[::1]', 'localhost'];

/**
 * Why a URI may not be registered for redirection (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1), or undefined.
 * The raw text is judged beside the parsed URL: parsers forgive (`https:/host`, `http://2130706433/`, `@` without
 * a name), and what is stored and compared later is the text.
 */
export function refuseRedirectUri(uri: string, applicationType: ApplicationType): string | undefined {
  if (uri.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`;
  if (!URI_CHARACTERS.test(uri)) return 'holds characters that no URI may hold (RFC 3986)';
  if (uri.includes('#')) return 'must not have a fragment';
  if (uri.includes('*')) return 'must not have a wildcard: redirect URIs match exactly';
  const url = URL.parse(uri);
  if (!url) return 'must be an absolute URI';
  if (url.protocol === 'https:' || url.protocol === 'http:') return refuseWeb(uri, url, applicationType);
  return applicationType === 'native'
    ? refusePrivateUse(url)
    : 'must be https, or http on a loopback address';
}

function refuseWeb(uri: string, url: URL, applicationType: ApplicationType): string | undefined {
  const authority = /^https?:\/\/([^/?]+)/i.exec(uri)?.[1];
  if (authority === undefined) return 'must name a host after "://"';
  if (authority.includes('@')) return 'must not hold a user name or password';
  const loopback = isLoopback(authority, url);
  if (url.protocol === 'http:' && !loopback) {
    return 'must be https; http only on 127.0.0.1, [::1] or localhost';
  }
  if (url.protocol === 'https:' && loopback && applicationType === 'native') {
    return 'must be http on a loopback address (RFC 8252 §7.3)';
  }
  return undefined;
}

function isLoopback(authority: string, url: URL): boolean {
  const host = authority.replace(/:\d*$/, '').toLowerCase();
  return LOOPBACK_HOSTS.includes(host) && LOOPBACK_HOSTS.includes(url.hostname);
}

/** RFC 8252 §7.1: a scheme under a domain name of the app's maker, in reverse order (`com.example.app:/callback`). */
function refusePrivateUse(url: URL): string | undefined {
  if (!/^[a-z][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+:$/.test(url.protocol)) {
    return 'must use https, loopback http, or a scheme in reverse-domain form such as com.example.app';
  }
  if (url.username || url.password) return 'must not hold a user name or password';
  return undefined;
}

/** Why a link shown to people, or fetched by us, is refused: https alone. */
export function refuseHttpsUrl(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`;
  const url = URI_CHARACTERS.test(text) ? URL.parse(text) : null;
  if (!url || !/^https:\/\/[^/?#@]+([/?#]|$)/i.test(text)) {
    return 'must be an absolute https URL without credentials';
  }
  return undefined;
}
