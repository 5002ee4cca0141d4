import { type CryptoKey, importJWK, type JWK } from 'jose';
import { isObject } from './token.ts';

/** Asymmetric algorithms a guard can be told to accept. Never `none`, never a shared secret. */
export const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'PS256'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export interface VerificationKey {
  readonly kid: string;
  readonly algorithm: Algorithm;
  readonly publicKey: CryptoKey;
  /** The key as published: the same text is the same key. */
  readonly text: string;
  /** False once the issuer no longer publishes it: tokens signed with it end there and then. */
  published: boolean;
}

const CURVES: Record<string, Algorithm> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
};

/** The public members by key type (RFC 7518 §6, RFC 8037 §2): nothing else of a published key is read. */
const MEMBERS: Record<string, readonly string[]> = {
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  RSA: ['n', 'e'],
};

/** What a JWK Set (RFC 7517 §5) offers for signatures, by `kid`; what we cannot use is passed over (§5). */
export async function readKeys(
  document: unknown,
  accepted: readonly Algorithm[],
  known: ReadonlyMap<string, VerificationKey>,
): Promise<Map<string, VerificationKey>> {
  if (!isObject(document) || !Array.isArray(document.keys)) throw new TypeError('not a JWK Set');
  const keys = new Map<string, VerificationKey>();
  for (const entry of document.keys.slice(0, MAX_KEYS)) {
    const key = await readKey(entry, accepted, known);
    if (key && !keys.has(key.kid)) keys.set(key.kid, key);
  }
  if (keys.size === 0) throw new TypeError('the JWK Set holds no key that can be used');
  return keys;
}

const MAX_KEYS = 100;

async function readKey(
  entry: unknown,
  accepted: readonly Algorithm[],
  known: ReadonlyMap<string, VerificationKey>,
): Promise<VerificationKey | undefined> {
  if (!isObject(entry) || typeof entry.kid !== 'string' || entry.kid === '') return undefined;
  if (entry.use !== undefined && entry.use !== 'sig') return undefined;
  const algorithm = accepted.find((name) => name === algorithmOf(entry));
  const members = MEMBERS[String(entry.kty)];
  if (!algorithm || !members) return undefined;
  const jwk = { kty: entry.kty, ...Object.fromEntries(members.map((name) => [name, entry[name]])) } as JWK;
  const text = JSON.stringify([algorithm, jwk]);
  const same = known.get(entry.kid);
  if (same?.text === text) return same;
  try {
    const publicKey = (await importJWK(jwk, algorithm)) as CryptoKey;
    return { kid: entry.kid, algorithm, publicKey, text, published: true };
  } catch {
    return undefined;
  }
}

/** The one algorithm the key is for. A key without `alg` gets its type's, so that a token cannot choose. */
function algorithmOf(jwk: Readonly<Record<string, unknown>>): string | undefined {
  const natural = jwk.kty === 'RSA' ? 'RS256' : CURVES[String(jwk.crv)];
  if (jwk.alg === undefined || jwk.alg === natural) return natural;
  // RFC 9864 §2.2: `Ed25519` is the full name of what `EdDSA` left open.
  if (jwk.alg === 'Ed25519' && natural === 'EdDSA') return natural;
  return jwk.kty === 'RSA' && jwk.alg === 'PS256' ? 'PS256' : undefined;
}
