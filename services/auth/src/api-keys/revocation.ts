import { NotFoundError, revokeApiKey } from '@latchkey/registry';
import type Koa from 'koa';
import type { OperatorFor } from '../operator.ts';
import { ROUTES } from '../provider/routes.ts';
import { isApiKey, type PresentedApiKeys } from './api-keys.ts';

/** Ends an API key for whoever holds it, and answers alike whether there was one. */
export type RevokeApiKey = (ctx: Koa.Context, token: string) => Promise<void>;

export function createRevokeApiKey(deps: {
  apiKeys: PresentedApiKeys;
  operatorFor: OperatorFor;
}): RevokeApiKey {
  const { apiKeys, operatorFor } = deps;
  return async (ctx, token) => {
    const apiKey = await apiKeys.verify(token);
    if (apiKey) {
      const { ip, state } = ctx;
      const operator = operatorFor(
        { actor: { type: 'api_key', id: apiKey.id } },
        { ip, requestId: state.requestId },
      );
      await revokeApiKey(operator, apiKey.id).catch(unlessDeleted);
    }
    // RFC 7009 §2.2: unknown is as good as revoked, and the answer tells nobody which it was.
    ctx.status = 200;
    ctx.body = '';
  };
}

/** A key that was deleted a moment ago is at its end as well. */
function unlessDeleted(error: unknown): void {
  if (!(error instanceof NotFoundError)) throw error;
}

/**
 * Whoever finds a key of his in a place where it does not belong must be able to end it at once, with what he has: the
 * key (decision 0012). RFC 7009 §2.1 asks the client to authenticate because a token can be another client's; a key is
 * nobody's but its holder's. A request from a page of another origin goes the library's way, with its CORS rules.
 */
export function revokeApiKeyDirectly(revoke: RevokeApiKey): Koa.Middleware {
  return async function direct(ctx, next) {
    const { posted } = ctx.state;
    if (!posted || ctx.path !== ROUTES.revocation || ctx.headers.origin !== undefined) return next();
    const { token: given } = posted.parameters;
    // A line break comes with what is copied or read from a file; with it the key would be unknown, and live on.
    const token = typeof given === 'string' ? given.trim() : '';
    if (!isApiKey(token)) return next();
    ctx.state.route = ROUTES.revocation;
    ctx.set('Cache-Control', 'no-store');
    await revoke(ctx, token);
    ctx.remove('Content-Type');
  };
}
