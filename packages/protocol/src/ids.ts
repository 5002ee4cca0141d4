import { randomBytes } from 'node:crypto';

/** Prefixes of record ids. They are disjoint, so an id tells what it names. */
export const ID_PREFIXES = {
  organization: 'org',
  account: 'user',
  client: 'client',
  secret: 'secret',
  apiKey: 'key',
  resourceServer: 'rs',
  grant: 'grant',
  auditEvent: 'evt',
  workOrder: 'wo',
  operation: 'op',
  inspection: 'insp',
  inventoryItem: 'item',
  inventoryAdjustment: 'adj',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `length` base62 characters, each uniform: 5.95 bits apiece. */
export function randomBase62(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length - text.length + 8)) {
      // 248 is the largest multiple of 62 below 256; bytes above it would favour the first letters.
      if (byte < 248 && text.length < length) text += ALPHABET[byte % 62];
    }
  }
  return text;
}

/** A whole number in base62, filled with zeros from the left. */
export function toBase62(value: number, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest = Math.floor(rest / 62)) {
    text = ALPHABET.charAt(rest % 62) + text;
  }
  return text;
}

/** A new record id: prefix, underscore, 20 base62 characters (119 bits). */
export function newId(kind: IdKind): string {
  return `${ID_PREFIXES[kind]}_${randomBase62(20)}`;
}

/** Whether `value` has the form of an id of this kind (declared ids may be shorter than minted ones). */
export function isId(kind: IdKind, value: string): boolean {
  const prefix = `${ID_PREFIXES[kind]}_`;
  return value.startsWith(prefix) && /^[A-Za-z0-9_-]{1,64}$/.test(value.slice(prefix.length));
}
