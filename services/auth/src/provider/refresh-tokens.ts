import { createHmac, hkdfSync } from 'node:crypto';
import type { Logger } from '@latchkey/service';
import type { DurableStorage } from '@latchkey/storage';
import type Koa from 'koa';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC, OIDCContext, RefreshToken } from 'oidc-provider';
import type { Lifetimes } from '../config.ts';
import { rotatedToken } from './refresh-token-adapter.ts';

/** Derives the token that follows a refresh token, the same one each time. */
export type SuccessorOf = (predecessor: string) => string;

/**
 * An HMAC under a key that only the servers have: who holds a stolen, used token cannot compute its successor.
 * HKDF (RFC 5869) keeps this use of the pepper apart from every other.
 */
export function createSuccessorOf(pepper: Buffer): SuccessorOf {
  const key = Buffer.from(hkdfSync('sha256', pepper, '', 'latchkey refresh token successor v1', 32));
  return (predecessor) => createHmac('sha256', key).update(predecessor).digest('base64url');
}

/** Makes rotation idempotent: a retry of a rotation finds the successor that the first attempt made. */
export function installRefreshTokens(provider: Provider, successorOf: SuccessorOf): void {
  const prototype = provider.RefreshToken.prototype as RefreshToken & { generateTokenId(): string };
  const random = prototype.generateTokenId;
  prototype.generateTokenId = function generateTokenId(this: RefreshToken) {
    const predecessor = rotatedToken();
    return predecessor === undefined ? random.call(this) : successorOf(predecessor);
  };
}

/**
 * A token that was rotated for an answer without tokens may be used again, however late: an opaque access token that
 * could not be stored must not make the next attempt a replay.
 */
export function restoreUnanswered(deps: {
  durable: Pick<DurableStorage, 'refreshTokens'>;
  logger: Logger;
}): Koa.Middleware {
  return async function restoring(ctx, next) {
    await next();
    const oidc = ctx.oidc as OIDCContext | undefined;
    const rotated = oidc?.entities.RotatedRefreshToken?.jti;
    if (ctx.status === 200 || rotated === undefined) return;
    try {
      await deps.durable.refreshTokens.restore(rotated);
    } catch (error) {
      // What is left is the retry window.
      deps.logger.warn({ err: error, request_id: ctx.state.requestId }, 'refresh token not restored');
    }
  };
}

/** Idle lifetime, cut where the family ends. Must be positive even for a token that the same second ends. */
export function refreshTokenTtl(lifetimes: Lifetimes) {
  return function ttl(_ctx: KoaContextWithOIDC, token: RefreshToken): number {
    const familyAge = Math.floor(Date.now() / 1000) - (token.iiat ?? Math.floor(Date.now() / 1000));
    return Math.max(1, Math.min(lifetimes.refreshTokenIdle, lifetimes.refreshTokenMax - familyAge));
  };
}
