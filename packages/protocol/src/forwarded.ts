import { type AddressList, isAddress, unmapped } from './addresses.ts';

/**
 * Whose request it is. Each proxy appends the address that it was called from, so the list is read from the right, from
 * those we trust to the first we do not. What stands further left was written by that stranger, and is not looked at;
 * nor what stands left of anything but an address, as nobody vouches for it.
 * @param peer address of the connection's other end
 * @param forwardedFor `X-Forwarded-For` as it came; proxies may write ports too: `192.0.2.1:5000`, `[2001:db8::1]:443`
 */
export function resolveClientAddress(
  peer: string,
  forwardedFor: string | undefined,
  trusted: AddressList,
): string {
  let client = withoutZone(unmapped(peer));
  if (!forwardedFor || !trusted.includes(client)) return client;
  for (let end = forwardedFor.length; end > 0; ) {
    const comma = forwardedFor.lastIndexOf(',', end - 1);
    const part = forwardedFor.slice(comma + 1, end).trim();
    end = comma;
    if (part === '') continue;
    const address = parseNode(part);
    if (address === undefined) return client;
    client = address;
    if (!trusted.includes(client)) return client;
  }
  return client;
}

/**
 * How the client reached the first proxy. With several values each must say `https`: proxies that append leave what
 * the client itself wrote in front.
 */
export function resolveScheme(
  { peer, encrypted }: { peer: string; encrypted: boolean },
  forwardedProto: string | undefined,
  trusted: AddressList,
): 'http' | 'https' {
  const direct = encrypted ? 'https' : 'http';
  if (!forwardedProto || !trusted.includes(peer)) return direct;
  return /^\s*https\s*(?:,\s*https\s*)*$/i.test(forwardedProto) ? 'https' : 'http';
}

const WITH_PORT = /^(?:\[([0-9a-f:.]+(?:%[^\]]+)?)\]|([0-9.]+))(?::\d{1,5})?$/i;

function parseNode(text: string): string | undefined {
  if (text.length > 128) return undefined;
  const match = WITH_PORT.exec(text);
  const address = match ? (match[1] ?? match[2] ?? '') : text;
  return isAddress(address) ? withoutZone(unmapped(address)) : undefined;
}

/** A zone id (RFC 4007 §11) means something on one host only. */
function withoutZone(address: string): string {
  const zone = address.indexOf('%');
  return zone < 0 ? address : address.slice(0, zone);
}
