import type { DurableStorage, Revocation, SharedStorage } from '@latchkey/storage';

/** Ends authority: the durable record first, then the feed that every process follows. */
export interface Authority {
  /** Ends the grant with its refresh tokens and every JWT issued under it. False when it was not live. */
  revokeGrant(id: string): Promise<boolean>;
  /** Ends one JWT. */
  revokeToken(token: { jti: string; expiresAt: Date }): Promise<void>;
}

export function createAuthority(options: {
  durable: Pick<DurableStorage, 'grants' | 'revocations' | 'resourceServers'>;
  shared: Pick<SharedStorage, 'feed'>;
  now: () => Date;
  /** Of a token without a resource server. */
  accessTokenSeconds: number;
}): Authority {
  const { durable, shared, now, accessTokenSeconds } = options;
  const revoke = async (revocation: Revocation) => {
    await durable.revocations.put(revocation);
    await shared.feed.publish({ type: 'revocation', revocation });
  };
  return {
    async revokeGrant(id) {
      const revoked = await durable.grants.revoke(id);
      const servers = await durable.resourceServers.list();
      const longest = Math.max(accessTokenSeconds, ...servers.map((server) => server.tokenTtlSeconds));
      const revokedAt = now();
      const expiresAt = new Date(revokedAt.getTime() + longest * 1000);
      // Even when it was not live: an earlier attempt may have ended between the two writes.
      await revoke({ subject: 'grant', id, revokedAt, expiresAt });
      return revoked;
    },
    revokeToken: ({ jti, expiresAt }) => revoke({ subject: 'token', id: jti, revokedAt: now(), expiresAt }),
  };
}
