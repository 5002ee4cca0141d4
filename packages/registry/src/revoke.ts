import type { GrantFilter, RevocationKey } from '@latchkey/storage';
import { MAX_TOKEN_TTL_SECONDS } from './inputs.ts';
import type { Operator } from './operator.ts';

/**
 * How far the clocks of processes may be apart: who revokes stamps the revocation, who issues stamps the token. Without
 * it a revoker whose clock is behind would leave alive what was issued in the last seconds before. It covers a token as
 * well that was about to be issued when its subject was revoked. What is issued anew within it, the authorization server
 * holds back until it is over.
 */
const CLOCKS_APART_MS = 2_000;

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
  const revokedAt = new Date(now().getTime() + CLOCKS_APART_MS);
  const expiresAt = new Date(revokedAt.getTime() + MAX_TOKEN_TTL_SECONDS * 1000);
  const revocation = { ...subject, revokedAt, expiresAt };
  await durable.revocations.put(revocation);
  await announce({ type: 'revocation', revocation });
}
