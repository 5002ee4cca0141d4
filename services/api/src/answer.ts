import type { Principal } from '@latchkey/guard';
import { InvalidInputError, NotFoundError, StateError } from '@latchkey/registry';
import { HttpError } from '@latchkey/service';
import { ConflictError, type Tenant } from '@latchkey/storage';
import type Koa from 'koa';
import { z } from 'zod';
import { CSV_TYPE, formatCsv } from './csv.ts';
import type { Call, Endpoint } from './endpoint.ts';
import { presentable } from './faults.ts';
import type { Idempotency, Outcome } from './idempotency.ts';
import { parseQuery, readInput } from './input.ts';
import { BASE_PATH } from './route-table.ts';

const noQuery = z.strictObject({});

export interface AnswerDeps {
  /** The API's public one, for links. */
  origin: string;
  idempotency: Idempotency;
}

/** Validates the request, has the endpoint perform it, and answers. Stands behind the guard. */
export function answer(endpoint: Endpoint, { origin, idempotency }: AnswerDeps): Koa.Middleware {
  return async function endpointAnswer(ctx: Koa.Context) {
    const call = await readCall(ctx, endpoint);
    const perform = async () => toOutcome(endpoint, origin, ctx.path, await handle(endpoint, call));
    const header = ctx.method === 'POST' ? ctx.req.headers['idempotency-key'] : undefined;
    if (header === undefined) return send(ctx, endpoint, call, origin, await perform());
    const { principal, requestId } = ctx.state;
    const asked = { method: ctx.method, path: ctx.path, query: call.query, body: call.body };
    const request = { header: String(header), principal, asked, requestId };
    const { outcome, replayed } = await idempotency.once(request, perform);
    if (replayed) ctx.set('Idempotent-Replayed', 'true');
    return send(ctx, endpoint, call, origin, outcome);
  };
}

async function readCall(ctx: Koa.Context, endpoint: Endpoint): Promise<Call<unknown, unknown>> {
  const { principal, requestId } = ctx.state;
  const tenant = tenantOf(principal);
  const query = parseQuery(ctx.querystring, endpoint.query ?? noQuery);
  const body = endpoint.body ? await readInput(ctx.req, endpoint.body) : undefined;
  return { tenant, principal, origin: { ip: ctx.ip, requestId }, params: ctx.params, query, body };
}

/** Rows belong to organisations: a credential without one has none to reach. */
function tenantOf({ organizationId, environment }: Principal): Tenant {
  if (organizationId === undefined) {
    throw new HttpError('forbidden', { description: 'The access token belongs to no organization' });
  }
  return { organizationId, environment };
}

async function handle(endpoint: Endpoint, call: Call<unknown, unknown>): Promise<unknown> {
  try {
    return await endpoint.handle(call);
  } catch (error) {
    throw toRefusal(endpoint, error);
  }
}

/** What the stores and the registry's rules say, in the words of HTTP. Their own messages are for people already. */
function toRefusal({ conflict }: Endpoint, cause: unknown): unknown {
  if (cause instanceof InvalidInputError) {
    return new HttpError('invalid_body', { fields: presentable(cause.faults), cause });
  }
  if (cause instanceof NotFoundError) return new HttpError('not_found', { cause });
  if (cause instanceof StateError) return new HttpError('conflict', { description: cause.message, cause });
  if (cause instanceof ConflictError) {
    return new HttpError('conflict', { ...(conflict ? { description: conflict } : {}), cause });
  }
  return cause;
}

function toOutcome(endpoint: Endpoint, origin: string, path: string, result: unknown): Outcome {
  const { status } = endpoint.answer;
  const headers = status === 201 ? { Location: `${origin}${locate(endpoint, path, result)}` } : {};
  return { status, headers, body: status === 204 ? undefined : result };
}

/** Where a created record is: under the path it was posted to, unless the endpoint says otherwise. */
function locate(endpoint: Endpoint, path: string, result: unknown): string {
  const id = typeof result === 'object' && result !== null && 'id' in result ? result.id : '';
  return `${endpoint.location ? BASE_PATH + endpoint.location : path}/${id}`;
}

function send(
  ctx: Koa.Context,
  { csv }: Endpoint,
  { query }: Call<unknown, unknown>,
  origin: string,
  { status, headers, body }: Outcome,
): void {
  ctx.status = status;
  ctx.set(headers);
  if (status === 204) return;
  ctx.body = body;
  if (csv === undefined) return;
  ctx.vary('Accept');
  const { format = ctx.accepts('json', 'csv') } = query as { format?: string };
  if (format !== 'csv') return;
  const { data, next_cursor: cursor } = body as {
    data: Record<string, unknown>[];
    next_cursor?: string | null;
  };
  ctx.body = formatCsv(csv, data);
  ctx.set({
    'Content-Type': CSV_TYPE,
    'Content-Disposition': `attachment; filename="${csv.fileName}.csv"`,
    ...(typeof cursor !== 'string' ? {} : { Link: `<${origin}${nextPage(ctx, cursor)}>; rel="next"` }),
  });
}

/** RFC 8288, for a form of answer that has no place for a cursor. */
function nextPage({ path, querystring }: Koa.Context, cursor: string): string {
  const parameters = new URLSearchParams(querystring);
  parameters.set('cursor', cursor);
  return `${path}?${parameters}`;
}
