import type { Principal } from '@latchkey/guard';
import { HttpError } from '@latchkey/service';
import type { Tenant } from '@latchkey/storage';
import type { z } from 'zod';
import type { CsvShape } from './csv.ts';

/** What an endpoint works with: everything validated, and whose rows it may touch. */
export interface Call<Query, Body> {
  tenant: Tenant;
  /** Who calls; holds the scope of the route. */
  principal: Principal;
  /** Where the call comes from, for the audit log. */
  origin: { ip: string | null; requestId: string | null };
  /** Segments of the path by name; any text. */
  params: Readonly<Record<string, string>>;
  query: Query;
  body: Body;
}

/** The answer, by its name among the OpenAPI document's schemas; 204 has no body. */
export type Answer = { name: string; schema: z.ZodType; status: 200 | 201 } | { status: 204 };

export interface Endpoint<Query = unknown, Body = unknown> {
  /** Names the operation in the OpenAPI document and in generated clients. */
  id: string;
  summary: string;
  description?: string;
  tag: string;
  query?: z.ZodType<Query>;
  body?: z.ZodType<Body>;
  answer: Answer;
  /** Collection that holds what is created, where that is not the path it was posted to. */
  location?: string;
  /** What a 409 can mean here. */
  conflict?: string;
  /** For a list that is also answered as CSV: to `Accept: text/csv`, or as `format` in the query says. */
  csv?: CsvShape;
  handle(call: Call<Query, Body>): Promise<unknown>;
}

/** Keeps the types of query and body together with the handler that gets them. */
export function defineEndpoint<Query, Body>(endpoint: Endpoint<Query, Body>): Endpoint {
  return endpoint as unknown as Endpoint;
}

export function param(call: Pick<Call<unknown, unknown>, 'params'>, name: string): string {
  return call.params[name] ?? '';
}

/** A row that is not there, and one of somebody else's, look the same. */
export function found<T>(row: T | undefined): T {
  if (row === undefined) throw new HttpError('not_found');
  return row;
}
