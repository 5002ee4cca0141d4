import { readFileSync } from 'node:fs';
import { API_KEY_PATTERN, mintApiKey } from '@latchkey/protocol';
import { expect, test } from 'vitest';

const toml = readFileSync(new URL('../../../infra/gitleaks.toml', import.meta.url), 'utf8');
/** Of the one rule; gitleaks reads it as RE2, of which it uses only what JavaScript has as well. */
const regex = /^regex = '''(.+)'''$/m.exec(toml)?.[1] ?? '';
const keywords = [...(/^keywords = \[(.+)\]$/m.exec(toml)?.[1] ?? '').matchAll(/"([^"]+)"/g)].map(
  ([, word]) => word,
);
const entropyLimit = Number(/^entropy = ([\d.]+)$/m.exec(toml)?.[1]);

/** Shannon's, in bits for each character, as gitleaks counts it. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => {
    const share = count / text.length;
    return sum - share * Math.log2(share);
  }, 0);
}

test('the gitleaks rule finds every key that is minted, wherever it stands', () => {
  const rule = new RegExp(regex);
  for (let round = 0; round < 500; round++) {
    const { key } = mintApiKey(round % 2 === 0 ? 'live' : 'test');
    const glued = [`x${key}`, `_${key}`, `${key}x`];
    for (const text of [
      key,
      `KEY="${key}"`,
      `Authorization: Bearer ${key}\n`,
      `?api_key=${key}&x`,
      ...glued,
    ]) {
      expect(rule.exec(text)?.[0]).toBe(key);
    }
    // gitleaks looks for the keywords first, in lower case.
    expect(keywords.some((word) => word !== undefined && key.toLowerCase().includes(word))).toBe(true);
    expect(entropyOf(key)).toBeGreaterThan(entropyLimit);
    // The checksum can be worked out from the rest.
    expect(rule.test(key.slice(0, -6))).toBe(true);
  }
});

test('the gitleaks rule passes over what is no key', () => {
  const { key } = mintApiKey('live');
  const nearMisses = [
    key.slice(0, -7),
    key.replace('sk_live_', 'sk_prod_'),
    key.replace('sk_live_', 'pk_live_'),
    key.replaceAll('_', '-'),
    `sk_live_${'A'.repeat(20)}`,
    'sk_live_51H8xEXAMPLEEXAMPLEEXAMPLE',
  ];
  for (const text of nearMisses) expect(new RegExp(regex).test(text), text).toBe(false);
  // A placeholder has the form, and too few different characters.
  expect(entropyOf(`sk_live_${'x'.repeat(20)}_${'x'.repeat(49)}`)).toBeLessThan(entropyLimit);
});

test('the gitleaks rule is the pattern that our own redaction and scanners use', () => {
  expect(regex).toBe(API_KEY_PATTERN.source);
});
