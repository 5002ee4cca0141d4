import { createHash, generateKeyPair, type JsonWebKey } from 'node:crypto';
import { promisify } from 'node:util';
import type { SigningAlgorithm } from '../resource-servers.ts';

/** A fresh key pair as JWKs that name themselves; `kid` is the RFC 7638 thumbprint. */
export interface GeneratedKey {
  kid: string;
  publicJwk: Record<string, unknown>;
  privateJwk: Record<string, unknown>;
}

const generate = promisify(generateKeyPair);

export async function generateSigningKey(algorithm: SigningAlgorithm): Promise<GeneratedKey> {
  const { publicKey, privateKey } = await generatePair(algorithm);
  const publicPart = publicKey.export({ format: 'jwk' });
  const kid = thumbprint(publicPart);
  const names = { kid, alg: algorithm, use: 'sig' };
  return {
    kid,
    publicJwk: { ...publicPart, ...names },
    privateJwk: { ...privateKey.export({ format: 'jwk' }), ...names },
  };
}

function generatePair(algorithm: SigningAlgorithm) {
  if (algorithm === 'ES256') return generate('ec', { namedCurve: 'P-256' });
  if (algorithm === 'EdDSA') return generate('ed25519', {});
  return generate('rsa', { modulusLength: 2048 });
}

/** RFC 7638 §3: SHA-256 over the required public members in order of their names. */
function thumbprint({ crv, e, kty, n, x, y }: JsonWebKey): string {
  return createHash('sha256').update(JSON.stringify({ crv, e, kty, n, x, y })).digest('base64url');
}
