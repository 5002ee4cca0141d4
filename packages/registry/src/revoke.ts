import type { GrantFilter, RevocationKey } from '@latchkey/storage';
import { MAX_TOKEN_TTL_SECONDS } from './inputs.ts';
import type { Operator } from './operator.ts';

/**
 * Ends what was issued under the subject: grants with their refresh tokens, and every JWT still in its life. To be
 * called once nothing new can be issued, or a token made in between would live on.
 */
export async function revokeAuthority(
  { durable, announce, now }: Operator,
  subject: RevocationKey,
  grants: GrantFilter,
): Promise<void> {
  await durable.grants.revokeMatching(grants);
  const revokedAt = now();
  const expiresAt = new Date(revokedAt.getTime() + MAX_TOKEN_TTL_SECONDS * 1000);
  const revocation = { ...subject, revokedAt, expiresAt };
  await durable.revocations.put(revocation);
  await announce({ type: 'revocation', revocation });
}
