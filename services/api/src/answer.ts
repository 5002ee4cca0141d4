import type { Principal } from '@latchkey/guard';
import { HttpError } from '@latchkey/service';
import { ConflictError, type Tenant } from '@latchkey/storage';
import type Koa from 'koa';
import { z } from 'zod';
import type { Call, Endpoint } from './endpoint.ts';
import { parseQuery, readInput } from './input.ts';
import { BASE_PATH } from './route-table.ts';

const noQuery = z.strictObject({});

/** Validates the request, has the endpoint perform it, and answers. Stands behind the guard. */
export function answer(endpoint: Endpoint, apiOrigin: string): Koa.Middleware {
  return async function endpointAnswer(ctx: Koa.Context) {
    const { principal, requestId } = ctx.state;
    const tenant = tenantOf(principal);
    const query = parseQuery(ctx.querystring, endpoint.query ?? noQuery);
    const body = endpoint.body ? await readInput(ctx.req, endpoint.body) : undefined;
    const origin = { ip: ctx.ip, requestId };
    const result = await perform(endpoint, { tenant, principal, origin, params: ctx.params, query, body });
    const { status } = endpoint.answer;
    ctx.status = status;
    if (status === 204) return;
    ctx.body = result;
    if (status === 201) ctx.set('Location', `${apiOrigin}${locate(endpoint, ctx.path, result)}`);
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
