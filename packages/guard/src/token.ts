import type { RefusalReason } from './refusals.ts';

/** A JWT taken apart. Nothing in it is verified. */
export interface ParsedToken {
  header: JsonObject;
  payload: JsonObject;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export type TokenResult = ParsedToken | { refused: RefusalReason };

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Whether the text has the form of a signed JWT; what else is a token at all is an opaque one. */
export function isStructured(token: string): boolean {
  return token.split('.', 4).length === 3;
}

/** Splits a compact JWS (RFC 7515 §7.1). Five parts would be an encrypted token, which we do not issue. */
export function parseToken(token: string): TokenResult {
  const parts = token.split('.');
  if (parts.length !== 3) return { refused: 'token_malformed' };
  const header = parseObject(parts[0]);
  const payload = parseObject(parts[1]);
  return header && payload ? { header, payload } : { refused: 'token_malformed' };
}

function parseObject(segment: string | undefined): JsonObject | undefined {
  if (!segment || !/^[A-Za-z0-9_-]+$/.test(segment)) return undefined;
  try {
    const value: unknown = JSON.parse(utf8.decode(Buffer.from(segment, 'base64url')));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
