import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const ROOT = new URL('../../../', import.meta.url);

const NOUNS =
  'account|api_key|authorization|client|consent|grant|member|organization|records|resource_server|sign_in|signing_key|token';
const VERBS = '[a-z_]+(?<!error|success)';
/** What code writes into the audit log, whichever service. `grant.error` and its like are events of a library. */
const ACTION = new RegExp(`'((?:${NOUNS})\\.${VERBS})'`, 'g');
/** Whatever stands there, for nouns that this test does not know. */
const WRITTEN = /(?:\baction: |recordChange\(\s*\w+,\s*)(?:\w+ \? )?'([a-z_]+)\./g;

const sources = globSync('{services,packages}/*/src/**/*.ts', {
  cwd: ROOT,
  exclude: (path) => path.includes('contract'),
}).map((path) => readFileSync(new URL(path, ROOT), 'utf8'));
const all = (pattern: RegExp) =>
  new Set(sources.flatMap((text) => [...text.matchAll(pattern)].map(([, name]) => name ?? '')));

const listed = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  .split('\n')
  .flatMap((line) => /^\| `([a-z_]+\.(?!ts)[a-z_]+)` \| .+ \|$/.exec(line)?.[1] ?? []);

test('the README lists every action that is written to the audit log, once, and no other', () => {
  expect(listed.toSorted()).toEqual([...all(ACTION)].toSorted());
});

test('what is acted on is known to this test', () => {
  const written = all(WRITTEN);
  expect(written.size).toBeGreaterThan(5);
  expect([...written].filter((noun) => !NOUNS.split('|').includes(noun))).toEqual([]);
});
