import { crc32 } from 'node:zlib';
import type { Environment } from './claims.ts';
import { ID_PREFIXES, randomBase62, toBase62 } from './ids.ts';

/*
 * An API key reads `sk_<environment>_<id>_<secret><checksum>`, letters, digits and underscores alone, so that one
 * double-click selects the whole of it:
 *
 *   sk_live_ 20 characters _ 43 characters + 6 characters
 *            id, in clear    secret, 256     CRC-32 of all
 *            (finds the row) random bits     before it
 *
 * The checksum tells a mistyped or cut key from an unknown one without a look-up; it protects nothing.
 */

const ID_LENGTH = 20;
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;

/**
 * Matches an API key anywhere in a text, glued to other words too; for scanners and redaction. Its checksum may be wrong
 * or cut off: whoever has the whole secret can work it out.
 */
export const API_KEY_PATTERN = /sk_(?:live|test)_[0-9A-Za-z]{20}_[0-9A-Za-z]{43,49}/;

const EXACT = new RegExp(
  `^sk_(live|test)_([0-9A-Za-z]{${ID_LENGTH}})_([0-9A-Za-z]{${SECRET_LENGTH}})([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`,
);

export interface ParsedApiKey {
  /** Of the record: `key_…`. Not a secret. */
  id: string;
  environment: Environment;
  /** What is verified against the stored digest. */
  secret: string;
}

export interface NewApiKey extends ParsedApiKey {
  /** The whole key, to be shown once. */
  key: string;
}

/** Makes a key from 256 random bits of secret. */
export function mintApiKey(environment: Environment): NewApiKey {
  const id = randomBase62(ID_LENGTH);
  const secret = randomBase62(SECRET_LENGTH);
  const body = `sk_${environment}_${id}_${secret}`;
  return { id: `${ID_PREFIXES.apiKey}_${id}`, environment, secret, key: body + checksumOf(body) };
}

/** Whether the text means to be an API key of any provider's shape, ours or the published placeholder's `sk-…`. */
export function resemblesApiKey(text: string): boolean {
  return text.startsWith('sk_') || text.startsWith('sk-');
}

/** The parts of a key; undefined when its form or its checksum is wrong. Nothing is verified by that. */
export function parseApiKey(text: string): ParsedApiKey | undefined {
  const match = EXACT.exec(text);
  if (!match) return undefined;
  const [, environment, id, secret, checksum] = match as unknown as [
    string,
    Environment,
    string,
    string,
    string,
  ];
  if (checksumOf(text.slice(0, -CHECKSUM_LENGTH)) !== checksum) return undefined;
  return { id: `${ID_PREFIXES.apiKey}_${id}`, environment, secret };
}

/**
 * The first API key in a URL, or what would be one but for its checksum: in clear or percent-encoded, by itself or glued
 * to other words.
 */
export function findApiKeyInUrl(url: string): string | undefined {
  if (!url.includes('sk_') && !url.includes('%')) return undefined;
  return API_KEY_PATTERN.exec(url)?.[0] ?? API_KEY_PATTERN.exec(decodeAscii(url))?.[0];
}

/** Proxies and clients encode what is encoded already; nobody means to do so more often than this. */
const MAX_ENCODINGS = 3;

/** Unlike `decodeURIComponent` for any text at all: keys are ASCII, so what else the bytes mean does not matter. */
function decodeAscii(text: string): string {
  let decoded = text;
  for (let round = 0; round < MAX_ENCODINGS && decoded.includes('%'); round += 1) {
    decoded = decoded.replace(/%([2-7][0-9a-f])/gi, (_, hex) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
  return decoded;
}

/** The beginning of a key, which people tell it by: enough to find it, none of its secret. */
export function apiKeyPrefix({ id, environment }: Pick<ParsedApiKey, 'id' | 'environment'>): string {
  return `sk_${environment}_${id.slice(ID_PREFIXES.apiKey.length + 1, ID_PREFIXES.apiKey.length + 9)}`;
}

function checksumOf(body: string): string {
  return toBase62(crc32(body), CHECKSUM_LENGTH);
}
