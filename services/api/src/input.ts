import type { IncomingMessage } from 'node:http';
import type { Fault } from '@latchkey/protocol';
import { HttpError, readJson } from '@latchkey/service';
import type { z } from 'zod';
import { parseValue } from './faults.ts';

/** Largest body of a request. Every field is bounded, so no honest one comes near. */
const BODY_BYTES = 65_536;

/** @throws {HttpError} 415, 413, 400 on malformed JSON, 422 with each wrong field */
export async function readInput<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  const value = isEmpty(request) ? undefined : await readTyped(request);
  const parsed = parseValue(schema, value, 'field');
  if ('data' in parsed) return parsed.data;
  throw new HttpError('invalid_body', { fields: parsed.faults });
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
  const parsed = parseValue(schema, Object.fromEntries(entries), 'parameter');
  if ('data' in parsed) return parsed.data;
  throw invalidQuery(parsed.faults);
}

export function invalidQuery(fields: Fault[]): HttpError {
  return new HttpError('invalid_request', { description: 'The query has invalid parameters', fields });
}
