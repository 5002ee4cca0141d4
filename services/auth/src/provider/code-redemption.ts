import type { Logger } from '@latchkey/service';
import { digestBearer, type SharedStorage } from '@latchkey/storage';
import type Koa from 'koa';
import type { KoaContextWithOIDC, OIDCContext } from 'oidc-provider';
import type { Lifetimes } from '../config.ts';

/** Longer than any redemption takes. */
const IN_FLIGHT_SECONDS = 10;

/**
 * Tells a code that is replayed from one that is redeemed twice at the same time (a reloaded callback page). Every
 * redemption but one is refused either way. RFC 6749 §4.1.2 wants the tokens of a replayed code revoked; done while
 * the first redemption is still under way that would fail the one request that may succeed.
 */
export interface CodeRedemption {
  /** Whether the code of this request, which was used before, has been answered with tokens, or given up on. */
  isReplay(ctx: KoaContextWithOIDC): Promise<boolean>;
  /** Marks a code as answered, before the answer leaves. */
  markAnswered: Koa.Middleware;
}

export function createCodeRedemption(options: {
  shared: Pick<SharedStorage, 'artifacts' | 'counters'>;
  lifetimes: Lifetimes;
  logger: Logger;
  now: () => Date;
}): CodeRedemption {
  const { shared, lifetimes, logger, now } = options;
  const keyOf = (code: string) => `code-answered:${digestBearer(code).toString('base64url')}`;
  return {
    async isReplay({ oidc }) {
      const code = oidc.params?.code;
      if (typeof code !== 'string') return false;
      const consumedAt = (await shared.artifacts.find('AuthorizationCode', code))?.consumedAt;
      if (!consumedAt) return true;
      if (now().getTime() - consumedAt.getTime() > IN_FLIGHT_SECONDS * 1000) return true;
      return (await shared.counters.peek(keyOf(code))).count > 0;
    },
    async markAnswered(ctx, next) {
      await next();
      const oidc = ctx.oidc as OIDCContext | undefined;
      const code = oidc?.entities.AuthorizationCode?.jti;
      if (ctx.status !== 200 || oidc?.route !== 'token' || code === undefined) return;
      try {
        await shared.counters.increment(keyOf(code), lifetimes.authorizationCode + IN_FLIGHT_SECONDS);
      } catch (error) {
        // The tokens are issued: better answered than lost. The mark matters for seconds only.
        logger.warn({ err: error, request_id: ctx.state.requestId }, 'redeemed code not marked');
      }
    },
  };
}
