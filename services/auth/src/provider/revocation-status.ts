import type { DurableStorage, Revocation, RevocationKey } from '@latchkey/storage';
import { createBatch } from './batch.ts';

/** What a revocation can reach a token by. */
export interface TokenSubjects {
  jti?: string | undefined;
  grantId?: string | undefined;
  clientId: string;
  accountId?: string | undefined;
  organizationId?: string | undefined;
  /** Epoch seconds. */
  issuedAt: number;
}

export interface RevocationStatus {
  /** Asks the durable record: an answer reflects every revocation acknowledged before the call. */
  isRevoked(token: TokenSubjects): Promise<boolean>;
}

/**
 * Callers that ask while a read is under way share the next one, which begins after they asked: under load a
 * thousand introspections cost a handful of round trips, and none sees a state older than itself.
 */
export function createRevocationStatus(
  durable: Pick<DurableStorage, 'revocations' | 'grants'>,
): RevocationStatus {
  const findRevocations = createBatch(async (keys: RevocationKey[]) => durable.revocations.findAny(keys));
  const findLiveGrants = createBatch(async (ids: string[]) => new Set(await durable.grants.findLive(ids)));
  /** The grant too: an account or a client that was deleted took its grants along. */
  const hasLiveGrant = async ({ grantId }: TokenSubjects) =>
    grantId === undefined || (await findLiveGrants([grantId])).has(grantId);
  return {
    async isRevoked(token) {
      const keys = keysOf(token);
      const [revocations, live] = await Promise.all([findRevocations(keys), hasLiveGrant(token)]);
      if (!live) return true;
      return revocations.some(
        (revocation) => reaches(revocation, token) && keys.some((key) => matches(revocation, key)),
      );
    },
  };
}

export function keysOf(subjects: Omit<TokenSubjects, 'issuedAt'>): RevocationKey[] {
  const { jti, grantId, clientId, accountId, organizationId } = subjects;
  const seat = organizationId && accountId ? `${organizationId}/${accountId}` : undefined;
  const named: [RevocationKey['subject'], string | undefined][] = [
    ['token', jti],
    ['grant', grantId],
    ['client', clientId],
    ['account', accountId],
    ['member', seat],
    ['organization', organizationId],
  ];
  return named.flatMap(([subject, id]) => (id === undefined ? [] : [{ subject, id }]));
}

function matches(revocation: Revocation, key: RevocationKey): boolean {
  return revocation.subject === key.subject && revocation.id === key.id;
}

/** A token or a grant never comes back; the others may be enabled again, and then issue anew. */
function reaches({ subject, revokedAt }: Revocation, { issuedAt }: TokenSubjects): boolean {
  if (subject === 'token' || subject === 'grant') return true;
  return issuedAt <= Math.floor(revokedAt.getTime() / 1000);
}
