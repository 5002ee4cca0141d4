import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAddressList, isAddress, isAddressRange, unmapped } from '../src/index.ts';

const v4 = fc.ipV4();
const v6 = fc.ipV6().filter((address) => unmapped(address) === address);
/** Text that nearly is an address. */
const nearly = fc.string({
  unit: fc.constantFrom(...'0123456789abcdefABCDEF:./% g', '::', 'ffff:', '1.2.3.4', '255', '01'),
  maxLength: 24,
});

function bitsOf(address: string): bigint {
  if (!address.includes(':')) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  const dotted = /[\d.]+$/.exec(address)?.[0] ?? '';
  const last = dotted.includes('.') ? bitsOf(dotted) : 0n;
  const text = dotted.includes('.')
    ? `${address.slice(0, -dotted.length)}${(last >> 16n).toString(16)}:${(last & 0xffffn).toString(16)}`
    : address;
  const [head = '', tail = ''] = text.split('::').map((part) => part.split(':').filter(Boolean));
  const groups = [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail] as string[];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

function format(bits: bigint, width: 32 | 128): string {
  const group = width === 32 ? 8n : 16n;
  const parts = Array.from({ length: width === 32 ? 4 : 8 }, (_, at) =>
    ((bits >> (BigInt(width) - group * BigInt(at + 1))) & ((1n << group) - 1n)).toString(
      width === 32 ? 10 : 16,
    ),
  );
  return parts.join(width === 32 ? '.' : ':');
}

describe('an address list', () => {
  test.each([
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '192.0.2.1', false],
    ['::/0', '::ffff:192.0.2.1', false],
    ['2001:db8::/32', '2001:DB8:FFFF::', true],
    ['2001:DB8::/32', '2001:db9::', false],
    ['2001:db8::1/127', '2001:db8::', true],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['::', '::', true],
    ['192.0.2.0/24', '::ffff:192.0.2.7', true],
    ['192.0.2.0/24', '::FFFF:c000:0207', true],
    ['::ffff:192.0.2.0/120', '192.0.2.7', true],
    ['::ffff:192.0.2.0/120', '192.0.3.7', false],
    ['::ffff:0:0/96', '203.0.113.1', true],
    ['::ffff:0:0/95', '203.0.113.1', false],
    ['64:ff9b::192.0.2.0/120', '64:ff9b::c000:201', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['192.0.2.1', '192.0.2.1%eth0', false],
    ['192.0.2.1', '192.0.2.01', false],
    ['192.0.2.1', ' 192.0.2.1', false],
    ['192.0.2.1', '192.0.2.1/32', false],
    ['192.0.2.1', 'localhost', false],
    ['192.0.2.1', '', false],
  ])('%s: %s is in it: %s', (range, address, included) => {
    expect(createAddressList([range]).includes(address)).toBe(included);
  });

  test.each([
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0.0/8 ',
    '10.0.0.0/0x8',
    '10.0.0.0/255.0.0.0',
    '010.0.0.0/8',
    '10.0.0',
    '10.0.0.0.0',
    '256.0.0.0',
    '::/129',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    '1.2.3.4::',
    '::1.2.3.4:5',
    'fe80::1%eth0',
    'fe80::%eth0/10',
    '*',
  ])('does not take %j for a range', (text) => {
    expect(isAddressRange(text)).toBe(false);
    expect(() => createAddressList([text])).toThrow(RangeError);
  });

  test('without ranges holds nothing', () => {
    fc.assert(fc.property(fc.oneof(v4, v6), (address) => !createAddressList([]).includes(address)));
  });

  test.each([
    ['ipv4', v4, 32],
    ['ipv6', v6, 128],
  ] as const)(
    'agrees with net.BlockList on %s, at the edges of ranges above all',
    (family, addresses, width) => {
      const cases = fc.record({
        base: addresses,
        prefix: fc.integer({ min: 0, max: width }),
        flip: fc.integer({ min: 0, max: width - 1 }),
        other: addresses,
      });
      fc.assert(
        fc.property(cases, ({ base, prefix, flip, other }) => {
          // A mapped IPv4 range, or one that holds them, means something else here than there.
          fc.pre(family === 'ipv4' || bitsOf(base) >> 96n !== 0n);
          const oracle = new BlockList();
          oracle.addSubnet(base, prefix, family);
          const list = createAddressList([`${base}/${prefix}`]);
          const neighbour = format(bitsOf(base) ^ (1n << BigInt(flip)), width);
          expect(list.includes(neighbour)).toBe(flip < width - prefix);
          for (const address of [base, neighbour, other])
            expect(list.includes(address)).toBe(oracle.check(address, family));
        }),
        { numRuns: 1_000 },
      );
    },
  );

  test('knows an address however it is written', () => {
    fc.assert(
      fc.property(v6, (address) => {
        const list = createAddressList([address]);
        expect(list.includes(address.toUpperCase())).toBe(true);
        expect(list.includes(format(bitsOf(address), 128))).toBe(true);
        expect(list.includes(`${address}%en0`)).toBe(true);
      }),
    );
    fc.assert(
      fc.property(v4, (address) => {
        const bits = bitsOf(address);
        const hex = `::ffff:${(bits >> 16n).toString(16)}:${(bits & 0xffffn).toString(16)}`;
        for (const mapped of [`::ffff:${address}`, `0:0:0:0:0:FFFF:${address}`, hex]) {
          expect(unmapped(mapped)).toBe(address);
          expect(createAddressList([address]).includes(mapped)).toBe(true);
          expect(createAddressList([`${mapped}/128`]).includes(address)).toBe(true);
        }
      }),
    );
  });
});

describe('any text', () => {
  test('is an address exactly where node says so', () => {
    fc.assert(
      fc.property(fc.oneof(nearly, fc.ipV4Extended(), v4, v6), (text) => {
        fc.pre(!text.includes('%'));
        expect(isAddress(text)).toBe(isIP(text) !== 0);
      }),
      { numRuns: 5_000 },
    );
  });

  test('gets a plain answer, never an exception', () => {
    const list = createAddressList(['10.0.0.0/8', '2001:db8::/32']);
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string({ unit: 'binary' }), fc.string()), (text) => {
        expect(typeof isAddressRange(text)).toBe('boolean');
        expect(typeof list.includes(text)).toBe('boolean');
        expect(typeof unmapped(text)).toBe('string');
      }),
      { numRuns: 5_000 },
    );
  });
});
