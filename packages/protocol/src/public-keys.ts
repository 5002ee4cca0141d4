import type { Fault } from './members.ts';

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];
/** Public members each key type must have (RFC 7518 §6, RFC 8037 §2). */
const REQUIRED_MEMBERS: Record<string, string[]> = {
  EC: ['crv', 'x', 'y'],
  RSA: ['n', 'e'],
  OKP: ['crv', 'x'],
};
const MAX_KEYS = 20;

/** The faults of a JWK Set (RFC 7517 §5) that may hold nothing but public keys. */
export function findPublicKeyFaults(jwks: unknown): Fault[] {
  const keys = isObject(jwks) ? jwks.keys : undefined;
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS) {
    return [{ field: '', message: `must be { "keys": [ 1 to ${MAX_KEYS} public keys ] }` }];
  }
  return keys.flatMap((key, index) => {
    const message = refuseKey(key);
    return message === undefined ? [] : [{ field: `.keys[${index}]`, message }];
  });
}

function refuseKey(key: unknown): string | undefined {
  if (!isObject(key)) return 'must be a JWK';
  // A private key that reached us is no longer the client's alone: it must be replaced, not trimmed.
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(key, name)) || key.kty === 'oct') {
    return 'holds a private or symmetric key; register the public part alone';
  }
  const required = typeof key.kty === 'string' ? REQUIRED_MEMBERS[key.kty] : undefined;
  if (!required) return 'must have kty EC, RSA or OKP';
  const missing = required.filter((name) => typeof key[name] !== 'string');
  if (missing.length > 0) return `lacks ${missing.join(', ')}`;
  const sound = Object.entries(key).flat().every(isMember);
  return sound ? undefined : 'has a member that is neither text, a list of texts, a number nor true or false';
}

/** What RFC 7517 §4 knows, and no text that cannot be stored: NUL, or half of a surrogate pair. */
function isMember(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string' && isMember(item));
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed();
  return typeof value === 'number' || typeof value === 'boolean';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
