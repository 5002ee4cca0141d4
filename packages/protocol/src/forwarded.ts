import { isIP } from 'node:net';
import { type AddressList, unmapped } from './addresses.ts';

/**
 * Where a request comes from in truth. A peer that is no trusted proxy is the client, whatever it says. From a trusted
 * one the client is the rightmost address of the chain that is no trusted proxy: what stands to the left of it was
 * written by the client itself. Where all are trusted, the first one asked.
 *
 * Undefined where the entry that decides is no address (a proxy told to hide it writes `unknown`): to pass it over
 * would be to believe what stands to its left.
 * @param forwardedFor the value of `X-Forwarded-For`, several fields joined by commas
 */
export function resolveClientAddress(
  peer: string,
  forwardedFor: string | undefined,
  trusted: AddressList | undefined,
): string | undefined {
  let client = unmapped(peer);
  if (forwardedFor === undefined || !trusted?.includes(client)) return client;
  let end = forwardedFor.length;
  while (end > 0) {
    const comma = forwardedFor.lastIndexOf(',', end - 1);
    const entry = forwardedFor.slice(comma + 1, end).trim();
    end = comma;
    if (entry === '') continue;
    const address = parseEntry(entry);
    if (address === undefined || !trusted.includes(address)) return address;
    client = address;
  }
  return client;
}

/** `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`: what proxies write. */
const WITH_PORT = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::\d{1,5})?$/i;

function parseEntry(entry: string): string | undefined {
  if (isIP(entry)) return unmapped(entry);
  const [, v6, v4] = WITH_PORT.exec(entry) ?? [];
  const address = v6 ?? v4;
  return address !== undefined && isIP(address) ? unmapped(address) : undefined;
}
