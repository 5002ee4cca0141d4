import { describe, expect, test } from 'vitest';
import { parseRedisUrl } from '../src/redis/address.ts';

describe('Redis URLs', () => {
  test.each([
    ['redis://localhost', { kind: 'server', hosts: [{ host: 'localhost', port: 6379 }], tls: false }],
    ['redis://h:1/2', { kind: 'server', hosts: [{ host: 'h', port: 1 }], db: 2, tls: false }],
    [
      'rediss://u:p%40s@h:1',
      { kind: 'server', hosts: [{ host: 'h', port: 1 }], tls: true, username: 'u', password: 'p@s' },
    ],
    [
      'redis://:secret@[::1]:7',
      { kind: 'server', hosts: [{ host: '::1', port: 7 }], tls: false, password: 'secret' },
    ],
    [
      'redis+sentinel://a:1,b/main/3',
      {
        kind: 'sentinel',
        hosts: [
          { host: 'a', port: 1 },
          { host: 'b', port: 26379 },
        ],
        master: 'main',
        db: 3,
        tls: false,
      },
    ],
    [
      'rediss+cluster://a:1,b:2',
      {
        kind: 'cluster',
        hosts: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
        ],
        tls: true,
      },
    ],
  ])('%s is read', (url, address) => {
    expect(parseRedisUrl(url)).toEqual(address);
  });

  test.each([
    'localhost:6379',
    'http://h',
    'redis://',
    'redis://a:1,b:2',
    'redis://h:port',
    'redis://h:65536',
    'redis://h/zero',
    'redis+sentinel://a:1',
    'redis+cluster://a:1/2',
    'redis+other://a',
  ])('%s is refused', (url) => {
    expect(() => parseRedisUrl(url)).toThrow(TypeError);
  });

  test('the refusal does not repeat a password', () => {
    expect(() => parseRedisUrl('redis://u:hunter2@h:port')).toThrow(/^(?!.*hunter2)/);
  });
});
