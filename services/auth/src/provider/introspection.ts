import type { AccessTokenClaims } from '@latchkey/protocol';
import type Koa from 'koa';
import { isApiKey } from '../api-keys/api-keys.ts';
import type { AccessTokenVerifier } from './access-tokens.ts';
import type { FindBySecret } from './client-secrets.ts';
import { answerOwnTokens, isOwnToken } from './own-tokens.ts';
import { ROUTES } from './routes.ts';
import { subjectsOfClaims, type TokenPolicy } from './token-policy.ts';

/** What a client is told about a JWT access token or an API key (RFC 7662 §2.2). */
export type Introspect = (clientId: string, token: string) => Promise<Record<string, unknown>>;

export function createIntrospect(by: { jwt: Introspect; apiKey: Introspect }): Introspect {
  return (clientId, token) => (isApiKey(token) ? by.apiKey : by.jwt)(clientId, token);
}

/**
 * The signature is checked once per token, revocation every time and in the durable record: a revoked token is dead
 * here at once.
 */
export function createIntrospectJwt(deps: {
  verifier: AccessTokenVerifier;
  policy: Pick<TokenPolicy, 'judge'>;
}): Introspect {
  const { verifier, policy } = deps;
  return async (clientId, token) => {
    const claims = await verifier.verify(token);
    const terms =
      claims && (await policy.judge(clientId, { aud: claims.aud, subjects: subjectsOfClaims(claims) }));
    // RFC 7662 §2.2: nothing but this about a token that is not active, or none of the caller's business.
    return terms ? { ...describe(claims), ...terms } : { active: false };
  };
}

function describe(claims: AccessTokenClaims): Record<string, unknown> {
  return { active: true, token_type: claims.cnf ? undefined : 'Bearer', ...claims };
}

/** Completes what the library says of an opaque token. */
export const tellTerms: Koa.Middleware = async function terms(ctx, next) {
  await next();
  if (ctx.state.tokenTerms && ctx.status === 200)
    ctx.body = { ...(ctx.body as object), ...ctx.state.tokenTerms };
};

/** Introspection of JWTs and API keys after whatever client authentication the library did. */
export function introspectAfterLibrary(introspect: Introspect): Koa.Middleware {
  return answerOwnTokens('introspection', async (ctx, { client, token }) => {
    ctx.status = 200;
    ctx.body = await introspect(client.clientId, token);
  });
}

/**
 * The hot path, on which gateways ask about every request of theirs: a client that proves itself by its secret asks
 * about a JWT or an API key. That costs a fraction of the way through the library. Everything else, a wrong secret or a doubtful
 * request among it, is left to the library, which alone refuses.
 */
export function introspectDirectly(introspect: Introspect, findBySecret: FindBySecret): Koa.Middleware {
  return async function direct(ctx, next) {
    const { authorization, origin } = ctx.headers;
    const { posted } = ctx.state;
    if (!posted || ctx.path !== ROUTES.introspection || origin !== undefined) return next();
    const { parameters: form } = posted;
    const { token } = form;
    const once = Object.values(form).every((value) => typeof value === 'string');
    const own = once && typeof token === 'string' && isOwnToken(token);
    const client = own ? await findBySecret({ authorization, form }) : undefined;
    if (!own || !client) return next();
    ctx.state.route = ROUTES.introspection;
    ctx.set('Cache-Control', 'no-store');
    ctx.body = await introspect(client.id, token);
  };
}
