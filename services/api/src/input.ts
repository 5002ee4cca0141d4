import type { IncomingMessage } from 'node:http';
import { HttpError, readJson } from '@latchkey/service';
import type { z } from 'zod';

/** Largest body of a request. Every field is bounded, so no honest one comes near. */
const BODY_BYTES = 65_536;

/** @throws {HttpError} 415, 413, 400 on malformed JSON, 422 with each wrong field */
export async function readInput<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  const value = isEmpty(request) ? undefined : await readTyped(request);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new HttpError('invalid_body', { fields: toFields(result.error.issues) });
}

/** What `curl -X POST` sends without data has a length of nothing, and any type or none. */
function isEmpty({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
}

/**
 * JSON under its own types, and under `text/plain` or none: `fetch` with a string for a body, as published client code
 * has it, sends that. A page of another origin can send it without asking, and gains nothing by it: credentials are
 * in a header, which no page can add unasked.
 */
const JSON_TYPE = /^(|text\/plain|application\/json|application\/[\w.-]+\+json)$/;

async function readTyped(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (!JSON_TYPE.test(type)) {
    throw new HttpError('unsupported_media_type', { description: 'Send the body as application/json' });
  }
  return readJson(request, BODY_BYTES);
}

/** @throws {HttpError} 400 with each wrong parameter */
export function parseQuery<T>(query: string, schema: z.ZodType<T>): T {
  const entries = [...new URLSearchParams(query)];
  const names = entries.map(([name]) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw invalidQuery([{ field: repeated, message: 'is given more than once' }]);
  const result = schema.safeParse(Object.fromEntries(entries));
  if (result.success) return result.data;
  throw invalidQuery(toFields(result.error.issues));
}

type Fields = { field: string; message: string }[];

export function invalidQuery(fields: Fields): HttpError {
  return new HttpError('invalid_request', { description: 'The query has invalid parameters', fields });
}

/** Names in messages are the caller's own: cut, so that an answer stays small. */
const NAME_LENGTH = 64;
const MOST_FIELDS = 20;

function toFields(issues: readonly z.core.$ZodIssue[]): Fields {
  const fields = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ field: key, message: 'is not a known field' }))
      : [{ field: issue.path.join('.'), message: issue.message }],
  );
  return presentable(fields);
}

/** Faults as an answer may carry them; without a field they concern the whole body. */
export function presentable(fields: Fields): Fields {
  return fields.slice(0, MOST_FIELDS).map(({ field, message }) => ({
    field: field.slice(0, NAME_LENGTH).toWellFormed() || 'body',
    message,
  }));
}
