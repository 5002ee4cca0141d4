import { Router } from '@koa/router';
import { createKoaGuard, type Guard, type Principal } from '@latchkey/guard';
import { HttpError } from '@latchkey/service';
import type Koa from 'koa';
import { type AnswerDeps, answer } from './answer.ts';
import { BASE_PATH, type Route } from './route-table.ts';

declare module 'koa' {
  interface DefaultState {
    /** Set by the guard, on every route of the table. */
    principal: Principal;
  }
}

/** Mounts the table: each route behind the guard and its scope. Other methods of a path are 405. */
export function serveRoutes(routes: Route[], guard: Guard, answering: AnswerDeps): Koa.Middleware {
  const { authenticate, requireScopes } = createKoaGuard(guard, {
    onRefusal(_ctx, { code, description, headers, reason, cause }) {
      throw new HttpError(code, { description, headers, cause: cause ?? reason });
    },
  });
  const router = new Router({ sensitive: true, strict: true });
  for (const { method, path, scope, endpoint } of routes) {
    router.register(
      path,
      [method],
      [named(path), authenticate, requireScopes(scope), answer(endpoint, answering)],
    );
  }
  const dispatch = router.routes() as Koa.Middleware;
  return async function api(ctx, next) {
    if (ctx.path !== BASE_PATH && !ctx.path.startsWith(`${BASE_PATH}/`)) return next();
    ctx.set('Cache-Control', 'no-store');
    await dispatch(ctx, async () => refuse(router, ctx));
  };
}

function named(path: string): Koa.Middleware {
  return (ctx, next) => {
    ctx.state.route = path;
    return next();
  };
}

function refuse(router: Router, ctx: Koa.Context): never {
  const methods = new Set(router.match(ctx.path, ctx.method).path.flatMap((layer) => layer.methods));
  if (methods.size === 0) throw new HttpError('not_found');
  throw new HttpError('method_not_allowed', { headers: { Allow: [...methods].toSorted().join(', ') } });
}
