import { Router } from '@koa/router';
import { createKoaGuard, type Guard, type Principal } from '@latchkey/guard';
import { HttpError } from '@latchkey/service';
import { ConflictError, type Tenant } from '@latchkey/storage';
import type Koa from 'koa';
import { z } from 'zod';
import type { Call, Endpoint } from './endpoint.ts';
import { parseQuery, readInput } from './input.ts';
import { BASE_PATH, type Route } from './route-table.ts';

declare module 'koa' {
  interface DefaultState {
    /** Set by the guard, on every route of the table. */
    principal: Principal;
  }
}

/** Mounts the table: each route behind the guard and its scope. Other methods of a path are 405. */
export function serveRoutes(routes: Route[], guard: Guard, origin: string): Koa.Middleware {
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
      [named(path), authenticate, requireScopes(scope), answer(endpoint, origin)],
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

const noQuery = z.strictObject({});

function answer(endpoint: Endpoint, origin: string): Koa.Middleware {
  return async function endpointAnswer(ctx: Koa.Context) {
    const tenant = tenantOf(ctx.state.principal);
    const query = parseQuery(ctx.querystring, endpoint.query ?? noQuery);
    const body = endpoint.body ? await readInput(ctx.req, endpoint.body) : undefined;
    const result = await perform(endpoint, { tenant, params: ctx.params, query, body });
    ctx.status = endpoint.answer.status;
    ctx.body = result;
    if (endpoint.answer.status === 201) ctx.set('Location', `${origin}${locate(endpoint, ctx.path, result)}`);
  };
}

/** Where a created record is: under the path it was posted to, unless the endpoint says otherwise. */
function locate(endpoint: Endpoint, path: string, result: unknown): string {
  const id = typeof result === 'object' && result !== null && 'id' in result ? result.id : '';
  return `${endpoint.location ? BASE_PATH + endpoint.location : path}/${id}`;
}

/** Rows belong to organisations: a credential without one has none to reach. */
function tenantOf({ organizationId, environment }: Principal): Tenant {
  if (organizationId === undefined) {
    throw new HttpError('forbidden', { description: 'The access token belongs to no organization' });
  }
  return { organizationId, environment };
}

async function perform(endpoint: Endpoint, call: Call<unknown, unknown>): Promise<unknown> {
  try {
    return await endpoint.handle(call);
  } catch (cause) {
    if (!(cause instanceof ConflictError)) throw cause;
    throw new HttpError('conflict', {
      ...(endpoint.conflict ? { description: endpoint.conflict } : {}),
      cause,
    });
  }
}
