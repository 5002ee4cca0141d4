import { isIPv6 } from 'node:net';
import { unmapped } from '@latchkey/service';

/**
 * What one caller cannot cheaply vary of its address: an IPv4 address whole, of IPv6 the /64 that a single
 * connection is given.
 */
export function addressBlock(ip: string): string {
  const [address = ''] = unmapped(ip).split('%');
  if (!isIPv6(address)) return address;
  const [head = '', tail = ''] = address.toLowerCase().split('::');
  const front = head.split(':').filter(Boolean);
  const back = tail.split(':').filter(Boolean);
  const zeros = Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0');
  const groups = [...front, ...zeros, ...back].slice(0, 4);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`;
}
