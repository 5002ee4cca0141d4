import type { Destination } from './page-data.ts';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** What a redirect URI means to the person who follows it. */
export function describeDestination(redirectUri: string): Destination {
  const url = new URL(redirectUri);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return { kind: 'app', scheme: url.protocol.slice(0, -1) };
  return LOOPBACK.has(url.hostname) ? { kind: 'loopback' } : { kind: 'web', host: url.host };
}
