import type { DurableStorage, RefreshToken } from '@latchkey/storage';
import Provider, { type Adapter, errors } from 'oidc-provider';
import { z } from 'zod';
import type { Authority } from './grants.ts';
import { mayBeStored, refuseAll, toPayload } from './stored-model.ts';

/**
 * Within these seconds a used token whose successor is unused may be used again and gives the same successor: the
 * answer was lost, tabs raced, or the process died after the database write (DESIGN: refresh tokens). One that never had
 * a successor stored was of no use to anybody, and may be used again as long as it lives.
 */
export const RETRY_WINDOW_SECONDS = 10;

/** What the library hands over when it saves a refresh token. */
const savedToken = z.object({
  grantId: z.string(),
  clientId: z.string(),
  accountId: z.string(),
  exp: z.number(),
});

export function createRefreshTokenAdapter(deps: {
  durable: Pick<DurableStorage, 'refreshTokens'>;
  authority: Authority;
  now: () => Date;
}): Adapter {
  const { refreshTokens } = deps.durable;
  return {
    ...refuseAll('RefreshToken'),
    async upsert(value, { jti: _jti, consumed: _consumed, ...payload }) {
      const { grantId, clientId, accountId, exp } = savedToken.parse(payload);
      const predecessor = rotatedToken();
      const stored = await refreshTokens.put({
        value,
        grantId,
        clientId,
        accountId,
        payload,
        expiresAt: new Date(exp * 1000),
        ...(predecessor !== undefined && { predecessor }),
      });
      if (!stored) throw new errors.InvalidGrant({ detail: 'the grant was revoked meanwhile' });
    },
    async find(value) {
      if (!mayBeStored(value)) return undefined;
      const token = await refreshTokens.find(value);
      return token && toPayload(value, token.payload, mayRetry(token, deps.now()) ? null : token.consumedAt);
    },
    async consume(value) {
      const use = await refreshTokens.consume(value, { retryWindowSeconds: RETRY_WINDOW_SECONDS });
      if (use === 'consumed' || use === 'retried') return;
      if (use === 'replayed') await endFamily(value);
      throw new errors.InvalidGrant({ detail: `refresh token ${use}` });
    },
    // The grant's end, in `Grant.destroy`, deletes its refresh tokens in the same transaction. The library asks for this
    // before or beside it: gone although that end failed, a token could not be replayed or revoked again.
    async destroy() {},
    // The library asks for this alone when a client gives back an access token, which leaves the family alive.
    async revokeByGrantId() {},
  };

  /** The token was used again between the library's look and its use of it: said as the library says it of others. */
  async function endFamily(value: string): Promise<void> {
    const token = await refreshTokens.find(value);
    if (!token) return;
    await deps.authority.revokeGrant(token.grantId);
    const { ctx } = Provider;
    ctx?.oidc.provider.emit('grant.revoked', ctx, token.grantId);
  }
}

function mayRetry({ consumedAt, successorUsed }: RefreshToken, at: Date): boolean {
  if (consumedAt === null || successorUsed) return false;
  if (successorUsed === null) return true;
  return at.getTime() - consumedAt.getTime() <= RETRY_WINDOW_SECONDS * 1000;
}

/** The token that the current request rotates. */
export function rotatedToken(): string | undefined {
  return Provider.ctx?.oidc.entities.RotatedRefreshToken?.jti;
}
