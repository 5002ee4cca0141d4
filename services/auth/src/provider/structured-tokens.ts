import { parse, stringify } from 'node:querystring';
import { readBody } from '@latchkey/service';
import type Koa from 'koa';
import type { Client, OIDCContext } from 'oidc-provider';
import { isStructured } from './access-tokens.ts';
import { MAX_BODY_BYTES, replaceBody } from './request-body.ts';
import { NOT_A_VALUE } from './stored-model.ts';

/** A request whose client the library authenticated, about a token it refuses to speak of. */
export interface StructuredTokenRequest {
  client: Client;
  token: string;
}

/**
 * Introspection and revocation of JWTs, which the library refuses. It is handed a value in the token's place that no
 * store is asked about: it authenticates the client, checks the request, finds nothing and says so. That answer, and
 * no other, is then replaced by ours.
 */
export function answerStructuredTokens(
  { route, path }: { route: 'introspection' | 'revocation'; path: string },
  answer: (ctx: Koa.Context, request: StructuredTokenRequest) => Promise<void>,
): Koa.Middleware {
  return async function structuredTokens(ctx, next) {
    if (ctx.path !== path || ctx.method !== 'POST' || !ctx.is('application/x-www-form-urlencoded'))
      return next();
    const body = await readBody(ctx.req, MAX_BODY_BYTES);
    const form = parse(body);
    const { token } = form;
    const structured = typeof token === 'string' && isStructured(token);
    replaceBody(ctx.req, structured ? stringify({ ...form, token: NOT_A_VALUE }) : body);
    await next();
    const { client, route: answered } = (ctx.oidc ?? {}) as Partial<OIDCContext>;
    if (!structured || !client || answered !== route || ctx.status !== 200) return;
    await answer(ctx, { client, token });
  };
}
