import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collectRequirements, formatMatrix, MATRIX_PATH, readRequirements } from './rfc-matrix.ts';

test('the matrix that is checked in is the one the tests’ titles make', () => {
  const current = formatMatrix(collectRequirements());
  expect(readFileSync(MATRIX_PATH, 'utf8'), 'run: node packages/conformance/rfc-matrix.ts').toBe(current);
});

test('every protocol test names the section it holds', () => {
  const folder = join(import.meta.dirname, 'rfc');
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.test.ts'))) {
    const source = readFileSync(join(folder, name), 'utf8');
    const tests = [...source.matchAll(/^ {2}test(\.each|\()/gm)];
    expect([name, readRequirements(source, name).length]).toEqual([name, tests.length]);
  }
});

test('no document that the server answers to is without a test', () => {
  const documents = new Set(collectRequirements().map(({ document }) => document));
  for (const rfc of [6749, 6750, 7009, 7517, 7523, 7636, 7662, 8252, 8414, 8707, 8725, 9068, 9207, 9700]) {
    expect(documents).toContain(`RFC ${rfc}`);
  }
});

test('titles are read under the document of their suite', () => {
  const source =
    "describe('RFC 1 x', () => {\n  test('§2.3 MUST y', f);\n});\ndescribe('RFC 2 z', () => test.each([1])('§4 %s', f));";
  expect(readRequirements(source, 'a.test.ts')).toEqual([
    { document: 'RFC 1', section: '2.3', title: 'MUST y', file: 'a.test.ts' },
    { document: 'RFC 2', section: '4', title: '%s', file: 'a.test.ts' },
  ]);
});
