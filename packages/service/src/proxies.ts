import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Whose `X-Forwarded-*` is believed. Anything a stranger sends under those names is dropped. */
export interface TrustedProxies {
  includes(address: string): boolean;
}

/** @param ranges addresses or CIDR ranges, IPv4 or IPv6. Throws `RangeError` on anything else. */
export function createTrustedProxies(ranges: string[]): TrustedProxies {
  if (ranges.length === 0) return { includes: () => false };
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIP(address);
    const prefix = bits === undefined ? (family === 4 ? 32 : 128) : Number(bits);
    if (!family || !Number.isInteger(prefix) || prefix < 0 || prefix > (family === 4 ? 32 : 128)) {
      throw new RangeError(`not an address or CIDR range: ${range}`);
    }
    list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
  return {
    includes(address) {
      const plain = unmapped(address);
      const family = isIP(plain);
      return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

const FORWARDED = [
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'forwarded',
  'x-real-ip',
] as const;

/**
 * Settles who is calling, before anything reads it: from a trusted proxy the client address is the rightmost
 * one that is not itself a trusted proxy, and replaces the chain; from anybody else the headers are removed.
 */
export function settleForwarded(request: IncomingMessage, proxies: TrustedProxies): void {
  const { headers } = request;
  if (!proxies.includes(request.socket.remoteAddress ?? '')) {
    for (const name of FORWARDED) delete headers[name];
    return;
  }
  const chain = String(headers['x-forwarded-for'] ?? '')
    .split(',')
    .map((part) => unmapped(part.trim()))
    .filter((part) => isIP(part));
  const client = chain.findLast((address) => !proxies.includes(address)) ?? chain[0];
  if (client) headers['x-forwarded-for'] = client;
  else delete headers['x-forwarded-for'];
}

/** `::ffff:192.0.2.1` is `192.0.2.1`: one client, one address. */
export function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
