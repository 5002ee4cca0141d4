import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { type AddressList, createAddressList, resolveClientAddress, resolveScheme } from '@latchkey/protocol';

export { unmapped } from '@latchkey/protocol';

/** Whose `X-Forwarded-*` is believed. Anything a stranger sends under those names is dropped. */
export type TrustedProxies = AddressList;

/** @param ranges addresses or CIDR ranges, IPv4 or IPv6. Throws `RangeError` on anything else. */
export function createTrustedProxies(ranges: readonly string[]): TrustedProxies {
  return createAddressList(ranges);
}

const FORWARDED = [
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'forwarded',
  'x-real-ip',
] as const;

/**
 * Settles who is calling, and how, before anything reads it: from a trusted proxy the client's address and one scheme
 * replace the chains, in whose first parts the client itself may have written; from anybody else the headers are removed.
 */
export function settleForwarded(request: IncomingMessage, proxies: TrustedProxies): void {
  const { headers } = request;
  const peer = request.socket.remoteAddress ?? '';
  if (!proxies.includes(peer)) {
    for (const name of FORWARDED) delete headers[name];
    return;
  }
  const chain = headers['x-forwarded-for'];
  if (chain !== undefined) headers['x-forwarded-for'] = resolveClientAddress(peer, String(chain), proxies);
  const schemes = headers['x-forwarded-proto'];
  if (schemes !== undefined) {
    const encrypted = request.socket instanceof TLSSocket;
    headers['x-forwarded-proto'] = resolveScheme({ peer, encrypted }, String(schemes), proxies);
  }
}
