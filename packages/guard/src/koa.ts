import type { IncomingMessage, ServerResponse } from 'node:http';
import { METADATA_HEADERS, refusalHeaders } from './answers.ts';
import type { GuardError } from './errors.ts';
import { explainNodeRefusal } from './form-token.ts';
import type { Guard } from './guard.ts';
import { readNodeRequest } from './node-request.ts';
import type { RoutePolicy } from './policy.ts';
import type { Principal } from './principal.ts';

/** The part of Koa's context that is used: guard depends on no framework, not even for types. */
export interface KoaContext {
  readonly req: IncomingMessage;
  readonly res: Pick<ServerResponse, 'setHeader'>;
  readonly method: string;
  readonly path: string;
  readonly originalUrl: string;
  /** A `requestId` that is text is handed on to `onExposure`. */
  readonly state: { principal?: Principal; requestId?: unknown };
  status: number;
  body: unknown;
  set(fields: Readonly<Record<string, string>>): void;
}

export type KoaMiddleware = (ctx: KoaContext, next: () => Promise<unknown>) => Promise<unknown>;

export interface KoaGuard {
  /** Refuses the request, or puts its `Principal` into `ctx.state.principal` and the limits into the answer. */
  protect(policy?: RoutePolicy): KoaMiddleware;
  /** Answers `GET /.well-known/oauth-protected-resource…` (RFC 9728 §3), which needs no credentials. */
  metadata: KoaMiddleware;
}

export interface KoaGuardOptions {
  /** Answers a refused request, or throws or rejects. Default: status, headers and JSON body of RFC 6750. */
  onRefusal?: (ctx: KoaContext, error: GuardError) => void | Promise<void>;
}

export function createKoaGuard(guard: Guard, { onRefusal = answer }: KoaGuardOptions = {}): KoaGuard {
  return {
    protect(policy) {
      const check = guard.protect(policy);
      return async function protect(ctx, next) {
        try {
          const found = check(readNodeRequest(ctx.req, ctx.originalUrl, requestIdOf(ctx)));
          const { principal, headers } = found instanceof Promise ? await found : found;
          ctx.state.principal = principal;
          // Not `ctx.set`, which makes several lists of them: this is done on every request.
          for (const name in headers) ctx.res.setHeader(name, headers[name] as string);
        } catch (error) {
          return onRefusal(ctx, await explainNodeRefusal(error, guard, ctx.req));
        }
        return next();
      };
    },
    metadata: async function metadata(ctx, next) {
      if (ctx.path !== guard.metadataPath || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next();
      ctx.set(METADATA_HEADERS);
      ctx.body = guard.metadata;
    },
  };
}

function requestIdOf({ state: { requestId } }: KoaContext): string | undefined {
  return typeof requestId === 'string' ? requestId : undefined;
}

function answer(ctx: KoaContext, error: GuardError): void {
  ctx.status = error.status;
  ctx.set(refusalHeaders(error));
  ctx.body = error.toBody();
}
