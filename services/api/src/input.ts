import type { IncomingMessage } from 'node:http';
import { HttpError, readJson } from '@latchkey/service';
import type { z } from 'zod';

/** Largest body of a request. Every field is bounded, so no honest one comes near. */
const BODY_BYTES = 65_536;

/** @throws {HttpError} 415, 413, 400 on malformed JSON, 422 with each wrong field */
export async function readInput<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type !== 'application/json' && !/^application\/[\w.-]+\+json$/.test(type)) {
    throw new HttpError('unsupported_media_type', { description: 'Send the body as application/json' });
  }
  const result = schema.safeParse(await readJson(request, BODY_BYTES));
  if (result.success) return result.data;
  throw new HttpError('invalid_body', { fields: toFields(result.error.issues) });
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
      : [{ field: issue.path.join('.') || 'body', message: issue.message }],
  );
  return fields.slice(0, MOST_FIELDS).map(({ field, message }) => ({
    field: field.slice(0, NAME_LENGTH).toWellFormed(),
    message,
  }));
}
