import type Koa from 'koa';
import type { Client, OIDCContext } from 'oidc-provider';

/** A request whose client the library authenticated, about a token it refuses to speak of. */
export interface StructuredTokenRequest {
  client: Client;
  token: string;
}

/**
 * Introspection and revocation of JWTs. The library authenticates the client, then refuses any token with the form
 * of a JWT by `unsupported_token_type`; this gives the answer in that refusal's place. Every check that stands
 * before the refusal has been passed, and no other error is touched.
 */
export function answerStructuredTokens(
  route: 'introspection' | 'revocation',
  answer: (ctx: Koa.Context, request: StructuredTokenRequest) => Promise<void>,
): Koa.Middleware {
  return async function structuredTokens(ctx, next) {
    await next();
    const oidc = ctx.oidc as OIDCContext | undefined;
    if (ctx.state.libraryError?.message !== 'unsupported_token_type' || oidc?.route !== route) return;
    const token = oidc.params?.token;
    if (!oidc.client || typeof token !== 'string') return;
    delete ctx.state.libraryError;
    await answer(ctx, { client: oidc.client, token });
  };
}
