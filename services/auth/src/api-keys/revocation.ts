import { parse } from 'node:querystring';
import { revokeApiKey } from '@latchkey/registry';
import { readBody } from '@latchkey/service';
import type Koa from 'koa';
import type { OperatorFor } from '../operator.ts';
import { isForm, MAX_BODY_BYTES, replaceBody } from '../provider/request-body.ts';
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
      await revokeApiKey(operator, apiKey.id);
    }
    // RFC 7009 §2.2: unknown is as good as revoked, and the answer tells nobody which it was.
    ctx.status = 200;
    ctx.body = '';
  };
}

/**
 * Whoever finds a key of his in a place where it does not belong must be able to end it at once, with what he has: the
 * key (decision 0012). RFC 7009 §2.1 asks the client to authenticate because a token can be another client's; a key is
 * nobody's but its holder's. A request from a page of another origin goes the library's way, with its CORS rules.
 */
export function revokeApiKeyDirectly(revoke: RevokeApiKey): Koa.Middleware {
  return async function direct(ctx, next) {
    const { origin } = ctx.headers;
    const isOurs = ctx.method === 'POST' && ctx.path === ROUTES.revocation && origin === undefined;
    if (!isOurs || !isForm(ctx.req)) return next();
    const body = await readBody(ctx.req, MAX_BODY_BYTES);
    const { token } = parse(body);
    if (typeof token !== 'string' || !isApiKey(token)) {
      replaceBody(ctx.req, body);
      return next();
    }
    ctx.state.route = ROUTES.revocation;
    ctx.set('Cache-Control', 'no-store');
    await revoke(ctx, token);
    ctx.remove('Content-Type');
  };
}
