import { BlockList, isIP } from 'node:net';

/** A set of addresses, given as addresses and CIDR ranges. */
export interface AddressList {
  /** Whether the address, IPv4 or IPv6, is in one of the ranges. False for anything that is no address. */
  includes(address: string): boolean;
}

/** Whether the text is an address or a range in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3). */
export function isAddressRange(text: string): boolean {
  return parseRange(text) !== undefined;
}

/** @throws {RangeError} on anything but addresses and CIDR ranges */
export function createAddressList(ranges: readonly string[]): AddressList {
  const list = new BlockList();
  for (const text of ranges) {
    const range = parseRange(text);
    if (!range) throw new RangeError(`not an address or CIDR range: ${text}`);
    list.addSubnet(range.address, range.bits, range.family);
  }
  return {
    includes(address) {
      const plain = unmapped(address);
      const family = isIP(plain);
      return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

/** `::ffff:192.0.2.1` is `192.0.2.1`: one client, one address. */
export function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

function parseRange(text: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  if (family === 0 || rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix)))
    return undefined;
  const bits = prefix === undefined ? most : Number(prefix);
  return bits <= most ? { address, bits, family: family === 4 ? 'ipv4' : 'ipv6' } : undefined;
}
