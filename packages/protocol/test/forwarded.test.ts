import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAddressList, resolveClientAddress, resolveScheme } from '../src/index.ts';

const trusted = createAddressList(['127.0.0.1', '10.0.0.0/8', 'fd00::/8']);
const proxy = '10.0.0.1';

describe('the client behind trusted proxies', () => {
  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['198.51.100.1, 203.0.113.9', '203.0.113.9'],
    ['198.51.100.1, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
    ['203.0.113.9,10.1.2.3,fd00::7', '203.0.113.9'],
    ['203.0.113.9:5000', '203.0.113.9'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['[2001:db8::1%eth0]:443', '2001:db8::1'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['[::ffff:203.0.113.9]:80', '203.0.113.9'],
    ['203.0.113.9 , , ', '203.0.113.9'],
    ['10.9.9.9', '10.9.9.9'],
    ['10.9.9.9, 10.8.8.8', '10.9.9.9'],
  ])('%s: is %s', (forwardedFor, client) => {
    expect(resolveClientAddress(proxy, forwardedFor, trusted)).toBe(client);
  });

  test.each([
    ['unknown', proxy],
    ['203.0.113.9, unknown', proxy],
    ['203.0.113.9, unknown, 10.1.2.3', '10.1.2.3'],
    ['203.0.113.9, _hidden', proxy],
    ['203.0.113.9:port', proxy],
    ['[203.0.113.9]', '203.0.113.9'],
    ['203.0.113.09', proxy],
    ['[2001:db8::1', proxy],
    [' , ', proxy],
    ['', proxy],
    [undefined, proxy],
  ])('%s: what is no address ends the reading, at %s', (forwardedFor, client) => {
    expect(resolveClientAddress(proxy, forwardedFor, trusted)).toBe(client);
  });

  test('is never what a stranger writes', () => {
    fc.assert(
      fc.property(fc.string(), fc.ipV4(), (forged, client) => {
        fc.pre(!trusted.includes(client));
        expect(resolveClientAddress(client, forged, trusted)).toBe(client);
        expect(resolveClientAddress(proxy, `${forged}, ${client}`, trusted)).toBe(client);
        expect(resolveClientAddress(proxy, `${forged},${client}:81,10.2.2.2`, trusted)).toBe(client);
      }),
      { numRuns: 1_000 },
    );
  });

  test('is an address, whatever the header holds', () => {
    const unit = fc.constantFrom(...'0123456789.,:[]% abf', '10.0.0.', '::', '127.0.0.1');
    fc.assert(
      fc.property(fc.string({ unit }), (header) => {
        expect(isIP(resolveClientAddress(proxy, header, trusted))).not.toBe(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is the peer where nobody is trusted', () => {
    const nobody = createAddressList([]);
    expect(resolveClientAddress('127.0.0.1', '203.0.113.9', nobody)).toBe('127.0.0.1');
    expect(resolveClientAddress('::ffff:192.0.2.1', undefined, nobody)).toBe('192.0.2.1');
    expect(resolveClientAddress('fe80::1%eth0', undefined, nobody)).toBe('fe80::1');
  });
});

describe('the scheme', () => {
  const scheme = (peer: string, encrypted: boolean, proto?: string) =>
    resolveScheme({ peer, encrypted }, proto, trusted);

  test.each([
    ['https', 'https'],
    ['HTTPS', 'https'],
    ['https, https', 'https'],
    ['http', 'http'],
    ['https, http', 'http'],
    ['http, https', 'http'],
    ['httpsx', 'http'],
    ['https,', 'http'],
    ['wss', 'http'],
  ])('from a trusted proxy that says %s is %s', (proto, expected) => {
    expect(scheme(proxy, false, proto)).toBe(expected);
    expect(scheme(proxy, true, proto)).toBe(expected);
  });

  test('is the connection’s own without a word from a trusted proxy', () => {
    expect(scheme('203.0.113.9', false, 'https')).toBe('http');
    expect(scheme('203.0.113.9', true, 'http')).toBe('https');
    expect(scheme(proxy, true)).toBe('https');
    expect(scheme(proxy, false)).toBe('http');
  });
});
