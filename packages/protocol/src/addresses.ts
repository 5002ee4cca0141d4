/** A set of addresses, given as addresses and CIDR ranges. */
export interface AddressList {
  /**
   * Whether the address, IPv4 or IPv6, is in one of the ranges. A zone id (`fe80::1%eth0`) is not looked at. False for
   * anything that is no address.
   */
  includes(address: string): boolean;
}

/** IPv4 as one signed 32-bit number, IPv6 as four of them. */
type Address = number | Words;
type Words = readonly [number, number, number, number];

interface Ranges {
  readonly v4: readonly { base: number; mask: number }[];
  readonly v6: readonly { base: Words; mask: Words }[];
}

/**
 * Whether the text is an address or a range in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3). Bits behind the prefix may
 * be set and mean nothing: `10.1.2.3/8` is `10.0.0.0/8`, as in routers and firewalls.
 */
export function isAddressRange(text: string): boolean {
  return parseRange(text) !== undefined;
}

/**
 * A range of IPv4-mapped addresses (`::ffff:192.0.2.0/120`) is the range of IPv4 addresses. A wider one, such as `::/0`,
 * holds no IPv4 address: who allows all of IPv6 has not said anything about IPv4.
 * @throws {RangeError} on anything but addresses and CIDR ranges
 */
export function createAddressList(ranges: readonly string[]): AddressList {
  const { v4, v6 } = collect(ranges);
  return {
    includes(text) {
      const address = parseAddress(text);
      if (address === undefined) return false;
      if (typeof address === 'number') return v4.some(({ base, mask }) => ((address ^ base) & mask) === 0);
      return v6.some(({ base, mask }) => isWithin(address, base, mask));
    },
  };
}

/** `::ffff:192.0.2.1`, however it is written, is `192.0.2.1`: one client, one address. Other text stays as it is. */
export function unmapped(address: string): string {
  if (!address.includes(':')) return address;
  // As node writes the peer of a socket that listens for both families.
  const rest = address.startsWith('::ffff:') ? address.slice(7) : '';
  if (parseIPv4(rest) !== undefined) return rest;
  const parsed = parseAddress(address);
  if (typeof parsed !== 'number') return address;
  return [parsed >>> 24, (parsed >>> 16) & 255, (parsed >>> 8) & 255, parsed & 255].join('.');
}

/** Whether the text is an IPv4 or IPv6 address, a zone id included. */
export function isAddress(text: string): boolean {
  return parseAddress(text) !== undefined;
}

function collect(ranges: readonly string[]): Ranges {
  const parsed = ranges.map((text) => {
    const range = parseRange(text);
    if (!range) throw new RangeError(`not an address or CIDR range: ${text}`);
    return range;
  });
  return {
    v4: parsed.flatMap(({ address, bits }) =>
      typeof address === 'number' ? [{ base: address, mask: wordMask(bits) }] : [],
    ),
    v6: parsed.flatMap(({ address, bits }) =>
      typeof address === 'number' ? [] : [{ base: address, mask: masks(bits) }],
    ),
  };
}

function parseRange(text: string): { address: Address; bits: number } | undefined {
  const slash = text.indexOf('/');
  const written = slash < 0 ? text : text.slice(0, slash);
  const address = written.includes('%') ? undefined : parseAddress(written);
  if (address === undefined) return undefined;
  const width = written.includes(':') ? 128 : 32;
  if (slash >= 0 && !/^(?:0|[1-9]\d{0,2})$/.test(text.slice(slash + 1))) return undefined;
  const bits = slash < 0 ? width : Number(text.slice(slash + 1));
  if (bits > width) return undefined;
  if (typeof address !== 'number' || width === 32) return { address, bits };
  return bits < 96 ? { address: mapped(address), bits } : { address, bits: bits - 96 };
}

function isWithin(address: Words, base: Words, mask: Words): boolean {
  return (
    ((address[0] ^ base[0]) & mask[0]) === 0 &&
    ((address[1] ^ base[1]) & mask[1]) === 0 &&
    ((address[2] ^ base[2]) & mask[2]) === 0 &&
    ((address[3] ^ base[3]) & mask[3]) === 0
  );
}

/** Shifting by 32 shifts by nothing, so that no bits are a case of their own. */
function wordMask(bits: number): number {
  return bits <= 0 ? 0 : -1 << (32 - Math.min(bits, 32));
}

function masks(bits: number): Words {
  return [wordMask(bits), wordMask(bits - 32), wordMask(bits - 64), wordMask(bits - 96)];
}

const MAPPED = 0xffff;
const DOT = 46;
const COLON = 58;

function mapped(address: number): Words {
  return [0, 0, MAPPED, address];
}

function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) return parseIPv4(text);
  const zone = text.indexOf('%');
  if (zone === text.length - 1) return undefined;
  const words = parseIPv6(zone < 0 ? text : text.slice(0, zone));
  return words && words[0] === 0 && words[1] === 0 && words[2] === MAPPED ? words[3] : words;
}

/** Dotted decimal, four numbers. A leading zero is refused: some programs read it as octal. */
function parseIPv4(text: string): number | undefined {
  let address = 0;
  let part = -1;
  let parts = 1;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (part < 0 || parts === 4) return undefined;
      address = (address << 8) | part;
      part = -1;
      parts++;
      continue;
    }
    if (code < 48 || code > 57 || part === 0) return undefined;
    part = (part < 0 ? 0 : part * 10) + code - 48;
    if (part > 255) return undefined;
  }
  return parts === 4 && part >= 0 ? (address << 8) | part : undefined;
}

/** RFC 4291 §2.2: eight groups, a run of zero groups as `::`, the last two perhaps in dotted decimal. */
function parseIPv6(text: string): Words | undefined {
  const groups: number[] = [];
  let gap = text.startsWith('::') ? 0 : -1;
  let at = gap < 0 ? 0 : 2;
  while (at < text.length) {
    const end = endOfGroup(text, at);
    if (text.charCodeAt(end) === DOT) {
      const dotted = parseIPv4(text.slice(at));
      if (dotted === undefined) return undefined;
      groups.push(dotted >>> 16, dotted & 0xffff);
      break;
    }
    if (end === at || end - at > 4) return undefined;
    groups.push(Number.parseInt(text.slice(at, end), 16));
    if (end === text.length) break;
    if (text.charCodeAt(end) !== COLON || end + 1 === text.length) return undefined;
    at = end + 1;
    if (text.charCodeAt(at) !== COLON) continue;
    if (gap >= 0) return undefined;
    gap = groups.length;
    at++;
  }
  return toWords(groups, gap);
}

function toWords(groups: readonly number[], gap: number): Words | undefined {
  const missing = 8 - groups.length;
  if (gap < 0 ? missing !== 0 : missing < 1) return undefined;
  const group = (at: number) =>
    gap < 0 || at < gap ? groups[at] : at < gap + missing ? 0 : groups[at - missing];
  const word = (at: number) => ((group(at) ?? 0) << 16) | (group(at + 1) ?? 0);
  return [word(0), word(2), word(4), word(6)];
}

function endOfGroup(text: string, start: number): number {
  let at = start;
  while (at < text.length && at <= start + 4 && isHexDigit(text.charCodeAt(at))) at++;
  return at;
}

function isHexDigit(code: number): boolean {
  const lower = code | 32;
  return (code >= 48 && code <= 57) || (lower >= 97 && lower <= 102);
}
