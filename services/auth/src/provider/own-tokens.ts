import type Koa from 'koa';
import type Provider from 'oidc-provider';
import type { Client, OIDCContext } from 'oidc-provider';
import { isApiKey } from '../api-keys/api-keys.ts';
import { isStructured } from './access-tokens.ts';
import { NOT_A_VALUE } from './stored-model.ts';

/** Whether we speak of the value ourselves: a JWT, which the library refuses, or an API key, which it must not see. */
export function isOwnToken(token: string): boolean {
  return isApiKey(token) || isStructured(token);
}

/** A request whose client the library authenticated, about such a value. */
export interface OwnTokenRequest {
  client: Client;
  token: string;
}

type Parameters = NonNullable<OIDCContext['params']>;

const PARAMETERS = Symbol('parameters');
type WithParameters = OIDCContext & { [PARAMETERS]?: Parameters };

const SPEAKS_OF_TOKENS = ['introspection', 'revocation'];

/** JWTs and API keys that requests for introspection and revocation came with. */
const setAside = new WeakMap<OIDCContext, string>();

/**
 * The library refuses to introspect or revoke a JWT, and would look an API key up as a token of its own. As it takes in
 * the parameters of such a request, the value is set aside and another put in its place that no store is asked about:
 * the library then authenticates the client, checks the request, finds nothing and says so.
 *
 * The white space around a value that was copied is nobody's token: unknown is as good as revoked (RFC 7009 §2.2), so
 * with it the answer would be a 200 that ended nothing.
 */
export function installOwnTokens(provider: Provider): void {
  const { prototype } = (provider as unknown as { OIDCContext: { prototype: OIDCContext } }).OIDCContext;
  Object.defineProperty(prototype, 'params', {
    configurable: true,
    get(this: WithParameters) {
      return this[PARAMETERS];
    },
    set(this: WithParameters, parameters: Parameters) {
      this[PARAMETERS] = parameters;
      if (this.route === 'revocation' && typeof parameters.token === 'string') {
        parameters.token = parameters.token.trim();
      }
      const { token } = parameters;
      if (!SPEAKS_OF_TOKENS.includes(this.route) || typeof token !== 'string' || !isOwnToken(token)) return;
      setAside.set(this, token);
      parameters.token = NOT_A_VALUE;
    },
  });
}

/** Replaces the library's answer about nothing, and no other, by one about what was set aside. */
export function answerOwnTokens(
  route: 'introspection' | 'revocation',
  answer: (ctx: Koa.Context, request: OwnTokenRequest) => Promise<void>,
): Koa.Middleware {
  return async function ownTokens(ctx, next) {
    await next();
    const oidc = ctx.oidc as OIDCContext | undefined;
    if (oidc?.route !== route || ctx.status !== 200 || !oidc.client) return;
    const token = setAside.get(oidc);
    if (token !== undefined) await answer(ctx, { client: oidc.client, token });
  };
}
