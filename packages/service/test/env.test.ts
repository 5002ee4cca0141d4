import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { defineEnv, EnvError, readEnv, variable } from '../src/index.ts';

const spec = defineEnv({
  ISSUER: { schema: variable.origin(), description: 'Public address' },
  PORT: { schema: variable.port(3000), description: 'Port' },
  PEPPER: { schema: variable.key(), description: 'Key', secret: true },
  TTL_SECONDS: { schema: variable.seconds(60), description: 'Seconds' },
  HOSTS: { schema: variable.list(), description: 'List' },
  LOUD: { schema: variable.flag(false), description: 'Flag' },
});
const key = '0123456789abcdef0123456789abcdeffedcba9876543210fedcba9876543210';

function faults(source: NodeJS.ProcessEnv): string[] {
  try {
    readEnv(spec, source);
  } catch (error) {
    if (error instanceof EnvError) return error.faults;
    throw error;
  }
  return [];
}

describe('readEnv', () => {
  test('reads every kind of variable and fills defaults', () => {
    const env = readEnv(spec, { ISSUER: 'https://auth.example.com/', PEPPER: key, HOSTS: 'a, b,' });
    expect(env).toEqual({
      ISSUER: 'https://auth.example.com',
      PORT: 3000,
      PEPPER: Buffer.from(key, 'hex'),
      TTL_SECONDS: 60,
      HOSTS: ['a', 'b'],
      LOUD: false,
    });
  });

  test('names every fault at once', () => {
    const found = faults({ PORT: '99999', TTL_SECONDS: '0', LOUD: 'yes' });
    expect(found.map((fault) => fault.split(':')[0])).toEqual([
      'ISSUER',
      'PORT',
      'PEPPER',
      'TTL_SECONDS',
      'LOUD',
    ]);
  });

  test.each([
    'ftp://auth.example.com',
    'auth.example.com',
    'https://auth.example.com/?a=1',
    'https://auth.example.com/#a',
    'https://user:pw@auth.example.com',
  ])('refuses %s as a public address', (ISSUER) => {
    expect(faults({ ISSUER, PEPPER: key })).toHaveLength(1);
  });

  test.each(['short', '0'.repeat(64), key.slice(2), `${key}00`])('refuses the key %s', (PEPPER) => {
    const [fault] = faults({ ISSUER: 'https://a.example', PEPPER });
    expect(fault).toMatch(/^PEPPER: /);
    expect(fault).not.toContain(PEPPER);
  });

  test('a secret can come from a file, without its line end', () => {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-env-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'pepper');
    writeFileSync(file, `${key}\n`);
    expect(readEnv(spec, { ISSUER: 'https://a.example', PEPPER_FILE: file }).PEPPER).toEqual(
      Buffer.from(key, 'hex'),
    );
  });

  test('a missing secret file, and a secret given twice, are faults with their names', () => {
    expect(faults({ ISSUER: 'https://a.example', PEPPER_FILE: '/nonexistent' })[0]).toMatch(
      /^PEPPER_FILE: ENOENT/,
    );
    expect(faults({ ISSUER: 'https://a.example', PEPPER_FILE: '/x', PEPPER: key })[0]).toMatch(
      /set one of the two/,
    );
  });

  test('faults that concern several variables join the list', () => {
    expect(() =>
      readEnv(spec, { ISSUER: 'https://a.example', PEPPER: key }, () => ['together wrong']),
    ).toThrow(/together wrong/);
  });

  test('they do so beside faults of single variables, from what is without fault', () => {
    const read = () =>
      readEnv(spec, { ISSUER: 'http://a.example', PORT: '99999' }, ({ ISSUER, PORT, PEPPER }) => [
        `together ${ISSUER} ${PORT} ${PEPPER}`,
      ]);
    expect(read).toThrow(/PORT: .*\n.*PEPPER: .*\n.*together http:\/\/a\.example undefined undefined/);
  });

  test('text that its parser does not take is a fault with what the parser says', () => {
    const parsed = variable.parsed((text) => {
      if (text !== 'good') throw new TypeError('must be good');
    });
    const url = defineEnv({ URL: { schema: parsed, description: 'URL' } });
    expect(readEnv(url, { URL: 'good' })).toEqual({ URL: 'good' });
    expect(() => readEnv(url, { URL: 'bad' })).toThrow(/URL: must be good/);
    expect(() => readEnv(url, {})).toThrow(/URL: is required/);
  });
});
