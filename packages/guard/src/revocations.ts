import type { AccessTokenClaims } from '@latchkey/protocol';

/**
 * Tokens that were revoked before they expired. Asked on every request, so it answers from memory; how it learns
 * of revocations (a stream, a poll, a push) is the service's own.
 */
export interface RevocationList {
  isRevoked(claims: AccessTokenClaims): boolean;
}
