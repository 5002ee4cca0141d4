import type { Logger } from '@latchkey/service';
import type { DurableStorage, Revocation, SharedStorage } from '@latchkey/storage';
import type { Lifetimes } from '../config.ts';
import { logMissed } from '../operator.ts';

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
  logger: Logger;
  now: () => Date;
  lifetimes: Pick<Lifetimes, 'accessToken'>;
}): Authority {
  const { durable, shared, logger, now, lifetimes } = options;
  /** Never rejects: what is written has happened, and its caller's answer and audit event say so. */
  const announce = (revocation: Revocation) =>
    shared.feed.publish({ type: 'revocation', revocation }).catch(logMissed(logger));
  return {
    async revokeGrant(id) {
      const servers = await durable.resourceServers.list();
      const longest = Math.max(lifetimes.accessToken, ...servers.map((server) => server.tokenTtlSeconds));
      const revokedAt = now();
      const expiresAt = new Date(revokedAt.getTime() + longest * 1000);
      const revocation: Revocation = { subject: 'grant', id, revokedAt, expiresAt };
      // The record first: whatever happens next, who reads it learns that the grant has ended. And even when the grant
      // is not live: an earlier attempt may have ended between the writes.
      await durable.revocations.put(revocation);
      const revoked = await durable.grants.revoke(id);
      await announce(revocation);
      return revoked;
    },
    async revokeToken({ jti, expiresAt }) {
      const revocation: Revocation = { subject: 'token', id: jti, revokedAt: now(), expiresAt };
      await durable.revocations.put(revocation);
      await announce(revocation);
    },
  };
}
