import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERRORS, formatChallenge } from '../src/index.ts';

const rows = readFileSync(new URL('../ERRORS.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

test('ERRORS.md lists every code with its status, source and words, and nothing else', () => {
  const listed = rows.map(([, code, status, source, description]) => [
    code?.replaceAll('`', ''),
    { status: Number(status), source, description },
  ]);
  expect(listed).toEqual(Object.entries(ERRORS));
});

test('ERRORS.md says what to do about each', () => {
  expect(rows.filter((cells) => !cells[5])).toEqual([]);
});

test('no description says more than one short sentence, or holds what a challenge cannot', () => {
  for (const { description } of Object.values(ERRORS))
    expect(description).toMatch(/^[A-Z][A-Za-z ,'-]{8,70}$/);
});

test('RFC 6750 §3: a challenge holds its parameters as quoted strings', () => {
  expect(formatChallenge('Bearer', { error: 'insufficient_scope', scope: 'a:read a:write' })).toBe(
    'Bearer error="insufficient_scope", scope="a:read a:write"',
  );
  expect(formatChallenge('Bearer', {})).toBe('Bearer');
});

test('RFC 6750 §3: what a value may not hold is dropped, so that it cannot leave its quotes or its line', () => {
  expect(formatChallenge('Bearer', { error_description: 'a"b\\c\r\nSet-Cookie: x\u0000é' })).toBe(
    'Bearer error_description="abcSet-Cookie: x"',
  );
});
