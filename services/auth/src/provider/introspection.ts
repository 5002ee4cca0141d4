import { parse } from 'node:querystring';
import type { AccessTokenClaims } from '@latchkey/protocol';
import { readBody } from '@latchkey/service';
import type Koa from 'koa';
import { type AccessTokenVerifier, isStructured } from './access-tokens.ts';
import type { FindBySecret } from './client-secrets.ts';
import { MAX_BODY_BYTES, replaceBody } from './request-body.ts';
import type { RevocationStatus } from './revocation-status.ts';
import { ROUTES } from './routes.ts';
import { answerStructuredTokens } from './structured-tokens.ts';
import { subjectsOfClaims, type TokenPolicy } from './token-policy.ts';

/** What a client is told about a JWT access token (RFC 7662 §2.2). */
export type Introspect = (clientId: string, token: string) => Promise<Record<string, unknown>>;

/**
 * The signature is checked once per token, revocation every time and in the durable record: a revoked token is dead
 * here at once.
 */
export function createIntrospect(deps: {
  verifier: AccessTokenVerifier;
  policy: TokenPolicy;
  status: RevocationStatus;
}): Introspect {
  const { verifier, policy, status } = deps;
  return async (clientId, token) => {
    const claims = await verifier.verify(token);
    const active =
      claims !== undefined &&
      (await policy.mayIntrospect(clientId, { clientId: claims.client_id, aud: claims.aud })) &&
      !(await status.isRevoked(subjectsOfClaims(claims)));
    // RFC 7662 §2.2: nothing but this about a token that is not active, or none of the caller's business.
    return active ? describe(claims) : { active: false };
  };
}

function describe(claims: AccessTokenClaims): Record<string, unknown> {
  return { active: true, token_type: claims.cnf ? undefined : 'Bearer', ...claims };
}

/** Introspection of JWTs after whatever client authentication the library did. */
export function introspectAfterLibrary(introspect: Introspect): Koa.Middleware {
  return answerStructuredTokens('introspection', async (ctx, { client, token }) => {
    ctx.status = 200;
    ctx.body = await introspect(client.clientId, token);
  });
}

const FORM = /^application\/x-www-form-urlencoded\b/i;

/**
 * The hot path, on which gateways ask about every request of theirs: a client that proves itself by its secret asks
 * about a JWT. That costs a fraction of the way through the library. Everything else, a wrong secret or a doubtful
 * request among it, is left to the library, which alone refuses.
 */
export function introspectDirectly(introspect: Introspect, findBySecret: FindBySecret): Koa.Middleware {
  return async function direct(ctx, next) {
    const { authorization, origin, 'content-type': type = '' } = ctx.headers;
    const isOurs = ctx.method === 'POST' && ctx.path === ROUTES.introspection && origin === undefined;
    if (!isOurs || !FORM.test(type)) return next();
    const body = await readBody(ctx.req, MAX_BODY_BYTES);
    const form = parse(body);
    const { token } = form;
    const once = Object.values(form).every((value) => typeof value === 'string');
    const structured = once && typeof token === 'string' && isStructured(token);
    const client = structured ? await findBySecret({ authorization, form }) : undefined;
    if (!structured || !client) {
      replaceBody(ctx.req, body);
      return next();
    }
    ctx.state.route = ROUTES.introspection;
    ctx.set('Cache-Control', 'no-store');
    ctx.body = await introspect(client.id, token);
  };
}
