import type { Logger } from '@latchkey/service';
import type { SharedStorage } from '@latchkey/storage';
import type Koa from 'koa';
import type { KoaContextWithOIDC, OIDCContext } from 'oidc-provider';
import type { Lifetimes } from '../config.ts';

declare module 'koa' {
  interface DefaultState {
    /** When a request for the token endpoint came in, in milliseconds. */
    receivedAt?: number;
  }
}

/** Longer than any redemption takes. */
const IN_FLIGHT_SECONDS = 10;

/**
 * Tells a code that is replayed from one that is redeemed twice at the same time (a reloaded callback page). Every
 * redemption but one is refused either way. RFC 6749 §4.1.2 wants the tokens of a replayed code revoked; done while
 * the first redemption is still under way that would fail the one request that may succeed.
 */
export interface CodeRedemption {
  /** Whether the code of this request, used before, was answered with tokens before the request came, or given up on. */
  isReplay(ctx: KoaContextWithOIDC): Promise<boolean>;
  /** Marks a code as answered, before the answer leaves. */
  markAnswered: Koa.Middleware;
}

export function createCodeRedemption(options: {
  shared: Pick<SharedStorage, 'artifacts'>;
  lifetimes: Lifetimes;
  logger: Logger;
  now: () => Date;
}): CodeRedemption {
  const { shared, lifetimes, logger, now } = options;
  const markOf = (code: string) => `${code}.answered`;
  return {
    async isReplay(ctx) {
      const code = ctx.oidc.params?.code;
      if (typeof code !== 'string') return false;
      const consumedAt = (await shared.artifacts.find('AuthorizationCode', code))?.consumedAt;
      if (!consumedAt) return true;
      if (now().getTime() - consumedAt.getTime() > IN_FLIGHT_SECONDS * 1000) return true;
      const answered = await shared.artifacts.find('AuthorizationCode', markOf(code));
      return answered !== undefined && Number(answered.payload.answeredAt) < (ctx.state.receivedAt ?? 0);
    },
    async markAnswered(ctx, next) {
      ctx.state.receivedAt = now().getTime();
      await next();
      const oidc = ctx.oidc as OIDCContext | undefined;
      const code = oidc?.entities.AuthorizationCode?.jti;
      if (ctx.status !== 200 || oidc?.route !== 'token' || code === undefined) return;
      try {
        const payload = { answeredAt: now().getTime() };
        await shared.artifacts.put(
          'AuthorizationCode',
          markOf(code),
          payload,
          lifetimes.authorizationCode + IN_FLIGHT_SECONDS,
        );
      } catch (error) {
        // The tokens are issued: better answered than lost. The mark matters for seconds only.
        logger.warn({ err: error, request_id: ctx.state.requestId }, 'redeemed code not marked');
      }
    },
  };
}
