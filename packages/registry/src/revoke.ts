import type { GrantFilter, RevocationKey } from '@latchkey/storage';
import { MAX_TOKEN_TTL_SECONDS } from './inputs.ts';
import { inTransaction, type Operator } from './operator.ts';

/**
 * How far the clocks of processes may be apart: who revokes stamps the revocation, who issues stamps the token. Without
 * it a revoker whose clock is behind would leave alive what was issued in the last seconds before. It covers a token as
 * well that was about to be issued when its subject was revoked. What is issued anew within it, the authorization server
 * holds back until it is over.
 */
const CLOCKS_APART_MS = 2_000;

/** Ends what was issued under the subject: every JWT still in its life, and grants with their refresh tokens. */
export type Revoke = (subject: RevocationKey, grants: GrantFilter) => Promise<void>;

/**
 * One transaction whose change ends authority, and the revocation with it: a process that dies at the commit leaves no
 * change after which tokens live on. Once it stands nothing new is issued as before, and all is done that a change must
 * not wait for or fail with: grants, which may be many, and the revocation anew, for tokens issued until then.
 */
export async function inRevokingTransaction<T>(
  operator: Operator,
  work: (within: Operator, revoke: Revoke) => Promise<T>,
): Promise<T> {
  const ended: Parameters<Revoke>[] = [];
  const result = await inTransaction(operator, (within) =>
    work(within, async (...end) => {
      ended.push(end);
      await putRevocation(within, end[0]);
    }),
  );
  for (const [subject, grants] of ended) {
    await operator.durable.grants.revokeMatching(grants);
    await putRevocation(operator, subject);
  }
  return result;
}

async function putRevocation({ durable, announce, now }: Operator, subject: RevocationKey): Promise<void> {
  const revokedAt = new Date(now().getTime() + CLOCKS_APART_MS);
  const expiresAt = new Date(revokedAt.getTime() + MAX_TOKEN_TTL_SECONDS * 1000);
  const revocation = { ...subject, revokedAt, expiresAt };
  await durable.revocations.put(revocation);
  await announce({ type: 'revocation', revocation });
}
