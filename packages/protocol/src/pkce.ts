import { createHash, randomBytes } from 'node:crypto';

/** A fresh code verifier: 43 characters, 256 bits (RFC 7636 §4.1). */
export function newCodeVerifier(): string {
  return randomBytes(32).toString('base64url');
}

/** `BASE64URL(SHA256(verifier))`: the only method Latchkey accepts (RFC 7636 §4.2). */
export function deriveCodeChallenge(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}
