import { Router } from '@koa/router';
import {
  createKoaGuard,
  type Guard,
  GuardError,
  type KoaGuard,
  type Principal,
  readNodeRequest,
} from '@latchkey/guard';
import { HttpError, toHttpError } from '@latchkey/service';
import type Koa from 'koa';
import { type AnswerDeps, answer } from './answer.ts';
import type { Metering } from './metering/metering.ts';
import { BASE_PATH, type Route } from './route-table.ts';

declare module 'koa' {
  interface DefaultState {
    /** Set by the guard, on every route of the table. */
    principal: Principal;
  }
}

export interface ServeDeps extends AnswerDeps {
  guard: Guard;
  metering: Pick<Metering, 'count'>;
}

/** Mounts the table: each route counted and behind the guard. Other methods of a path are 405. */
export function serveRoutes(routes: Route[], { guard, metering, ...answering }: ServeDeps): Koa.Middleware {
  const { protect } = createKoaGuard(guard, { onRefusal });
  const router = new Router({ sensitive: true, strict: true });
  for (const route of routes) {
    const { method, path, endpoint } = route;
    router.register(
      path,
      [method],
      [
        named(path),
        countRequests(nameOf(route), metering),
        guarded(route, protect),
        answer(endpoint, answering),
      ],
    );
  }
  const dispatch = router.routes() as Koa.Middleware;
  return async function api(ctx, next) {
    if (!isOfApi(ctx)) return next();
    ctx.set('Cache-Control', 'no-store');
    await dispatch(ctx, async () => refuse(router, ctx, guard));
  };
}

const isOfApi = ({ path }: Koa.Context) => path === BASE_PATH || path.startsWith(`${BASE_PATH}/`);

/** A credential in the URL of a page, or of nothing. What is no part of the API is read by plain http, too. */
export function refuseExposed(guard: Guard): Koa.Middleware {
  return function exposed(ctx, next) {
    if (isOfApi(ctx)) return next();
    try {
      guard.inspect(readNodeRequest(ctx.req, ctx.req.url, ctx.state.requestId));
    } catch (error) {
      if (!(error instanceof GuardError)) throw error;
      if (error.reason !== 'https_required') throw toRefusal(error);
    }
    return next();
  };
}

/** Counted under the name that stands in the usage report, too. */
const nameOf = ({ method, path }: Route) => `${method} ${path}`;

function guarded(route: Route, protect: KoaGuard['protect']): Koa.Middleware {
  const { scope, credentials, limit } = route;
  return protect({
    name: nameOf(route),
    scope,
    ...(credentials ? { credentials } : {}),
    ...(limit ? { limit } : {}),
  }) as Koa.Middleware;
}

function onRefusal(ctx: { state: { principal?: Principal } }, error: GuardError): never {
  if (error.principal) ctx.state.principal = error.principal;
  throw toRefusal(error);
}

function toRefusal({ code, description, headers, reason, cause }: GuardError): HttpError {
  return new HttpError(code, { description, headers, cause: cause ?? reason });
}

function named(path: string): Koa.Middleware {
  return (ctx, next) => {
    ctx.state.route = path;
    return next();
  };
}

/** Counts whatever is answered to a credential that is known, refusals too. Stands before the guard. */
export function countRequests(name: string, metering: Pick<Metering, 'count'>): Koa.Middleware {
  const count = (ctx: Koa.Context, status: number) => {
    const principal: Principal | undefined = ctx.state.principal;
    if (principal) metering.count(principal, name, status);
  };
  return async function counted(ctx, next) {
    try {
      await next();
    } catch (error) {
      count(ctx, toHttpError(error).status);
      throw error;
    }
    count(ctx, ctx.status);
  };
}

/** No route, or none with this method. A credential in the URL is told of its exposure all the same. */
function refuse(router: Router, ctx: Koa.Context, guard: Guard): never {
  try {
    guard.inspect(readNodeRequest(ctx.req, ctx.req.url, ctx.state.requestId));
  } catch (error) {
    throw error instanceof GuardError ? toRefusal(error) : error;
  }
  const methods = new Set(router.match(ctx.path, ctx.method).path.flatMap((layer) => layer.methods));
  if (methods.size === 0) throw new HttpError('not_found');
  throw new HttpError('method_not_allowed', { headers: { Allow: [...methods].toSorted().join(', ') } });
}
