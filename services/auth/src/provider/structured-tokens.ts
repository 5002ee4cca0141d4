import type Koa from 'koa';
import type Provider from 'oidc-provider';
import type { Client, OIDCContext } from 'oidc-provider';
import { isStructured } from './access-tokens.ts';
import { NOT_A_VALUE } from './stored-model.ts';

/** A request whose client the library authenticated, about a token it refuses to speak of. */
export interface StructuredTokenRequest {
  client: Client;
  token: string;
}

type Parameters = NonNullable<OIDCContext['params']>;

const PARAMETERS = Symbol('parameters');
type WithParameters = OIDCContext & { [PARAMETERS]?: Parameters };

const SPEAKS_OF_TOKENS = ['introspection', 'revocation'];

/** JWTs that requests for introspection and revocation came with. */
const setAside = new WeakMap<OIDCContext, string>();

/**
 * The library refuses to introspect or revoke a JWT. As it takes in the parameters of such a request, the JWT is set
 * aside and a value put in its place that no store is asked about: the library then authenticates the client, checks
 * the request, finds nothing and says so.
 */
export function installStructuredTokens(provider: Provider): void {
  const { prototype } = (provider as unknown as { OIDCContext: { prototype: OIDCContext } }).OIDCContext;
  Object.defineProperty(prototype, 'params', {
    configurable: true,
    get(this: WithParameters) {
      return this[PARAMETERS];
    },
    set(this: WithParameters, parameters: Parameters) {
      this[PARAMETERS] = parameters;
      const { token } = parameters;
      if (!SPEAKS_OF_TOKENS.includes(this.route) || typeof token !== 'string' || !isStructured(token)) return;
      setAside.set(this, token);
      parameters.token = NOT_A_VALUE;
    },
  });
}

/** Replaces the library's answer about nothing, and no other, by one about the JWT that was set aside. */
export function answerStructuredTokens(
  route: 'introspection' | 'revocation',
  answer: (ctx: Koa.Context, request: StructuredTokenRequest) => Promise<void>,
): Koa.Middleware {
  return async function structuredTokens(ctx, next) {
    await next();
    const oidc = ctx.oidc as OIDCContext | undefined;
    if (oidc?.route !== route || ctx.status !== 200 || !oidc.client) return;
    const token = setAside.get(oidc);
    if (token !== undefined) await answer(ctx, { client: oidc.client, token });
  };
}
