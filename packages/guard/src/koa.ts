import type { IncomingMessage } from 'node:http';
import { carriesToken, readAuthorization } from './credentials.ts';
import { GuardError } from './errors.ts';
import type { Guard } from './guard.ts';
import type { Principal } from './principal.ts';

/** The part of Koa's context that is used: guard depends on no framework, not even for types. */
export interface KoaContext {
  readonly req: IncomingMessage;
  readonly method: string;
  readonly path: string;
  readonly querystring: string;
  readonly state: { principal?: Principal };
  status: number;
  body: unknown;
  set(fields: Record<string, string>): void;
}

export type KoaMiddleware = (ctx: KoaContext, next: () => Promise<unknown>) => Promise<unknown>;

export interface KoaGuard {
  /** Refuses the request, or puts its `Principal` into `ctx.state.principal`. */
  authenticate: KoaMiddleware;
  /** For a route behind `authenticate`: refuses principals that lack one of the scopes. */
  requireScopes(...scopes: string[]): KoaMiddleware;
  /** Answers `GET /.well-known/oauth-protected-resource…` (RFC 9728 §3), which needs no credentials. */
  metadata: KoaMiddleware;
}

export interface KoaGuardOptions {
  /** Answers a refused request, or throws. Default: status, headers and JSON body of RFC 6750. */
  onRefusal?: (ctx: KoaContext, error: GuardError) => void;
}

export function createKoaGuard(guard: Guard, { onRefusal = answer }: KoaGuardOptions = {}): KoaGuard {
  return {
    authenticate: async function authenticate(ctx, next) {
      try {
        const found = guard.authenticate(readAuthorization(ctx.req), ctx.querystring);
        ctx.state.principal = found instanceof Promise ? await found : found;
      } catch (error) {
        return onRefusal(ctx, await explain(ctx.req, error, guard));
      }
      return next();
    },
    requireScopes: (...scopes) =>
      async function requireScopes(ctx, next) {
        try {
          const { principal } = ctx.state;
          if (!principal) throw new Error('requireScopes stands before authenticate');
          guard.requireScopes(principal, scopes);
        } catch (error) {
          if (!(error instanceof GuardError)) throw error;
          return onRefusal(ctx, error);
        }
        return next();
      },
    metadata: async function metadata(ctx, next) {
      if (ctx.path !== guard.metadataPath || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next();
      ctx.set({ 'Cache-Control': 'public, max-age=3600', 'Access-Control-Allow-Origin': '*' });
      ctx.body = guard.metadata;
    },
  };
}

function answer(ctx: KoaContext, error: GuardError): void {
  ctx.status = error.status;
  ctx.set({ ...error.headers, 'Cache-Control': 'no-store' });
  ctx.body = error.toBody();
}

/** Most of a form that is read to tell its sender why it is refused. */
const FORM_BYTES = 16_384;

/** A request without credentials may have put its token into the form (RFC 6750 §2.2): then the answer says so. */
async function explain(request: IncomingMessage, error: unknown, guard: Guard): Promise<GuardError> {
  if (!(error instanceof GuardError)) throw error;
  const type = request.headers['content-type'] ?? '';
  if (error.reason !== 'credentials_missing' || !/^application\/x-www-form-urlencoded\b/i.test(type))
    return error;
  return carriesToken(await readStart(request)) ? guard.refuse('token_in_body') : error;
}

async function readStart(request: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      text += chunk.toString('latin1');
      if (text.length >= FORM_BYTES) break;
    }
  } catch {
    // Cut short: what came is enough to tell.
  }
  return text;
}
