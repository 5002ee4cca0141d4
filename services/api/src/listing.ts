import { type IdKind, isId } from '@latchkey/protocol';
import type { RowQuery } from '@latchkey/storage';
import { z } from 'zod';
import { invalidQuery } from './input.ts';
import { type FromWire, fromWire, toWire } from './wire.ts';

const DEFAULT_LIMIT = 25;
const MAX_LIMIT = 100;

/** Parameters of every list, with those of its filter. */
export function listQuery<Shape extends z.ZodRawShape>(filter: Shape) {
  return z.strictObject({
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(MAX_LIMIT)
      .default(DEFAULT_LIMIT)
      .describe('Most rows to answer'),
    cursor: z.string().max(200).optional().describe('`next_cursor` of the page before'),
    ...z.object(filter).partial().shape,
  });
}

/** The answer of a list. */
export function pageOf(row: z.ZodType) {
  return z.object({
    data: z.array(row).describe('Newest first'),
    next_cursor: z.string().nullable().describe('Where the next page starts; null on the last'),
  });
}

interface ListParameters {
  limit: number;
  cursor?: string | undefined;
}

/** Runs a list: one row more than asked for tells whether there is another page. */
export async function listPage<Row extends { id: string }, Query extends ListParameters>(
  kind: IdKind,
  query: Query,
  list: (query: RowQuery<FromWire<Omit<Query, keyof ListParameters>>>) => Promise<Row[]>,
): Promise<{ data: unknown[]; next_cursor: string | null }> {
  const { limit, cursor, ...filter } = query;
  const after = cursor === undefined ? undefined : decodeCursor(kind, cursor);
  const rows = await list({ filter: fromWire(filter), after, limit: limit + 1 });
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return { data: rows.slice(0, limit).map(toWire), next_cursor: last ? encodeCursor(last.id) : null };
}

/** Opaque to callers, so that what a page continues from can change. It holds nothing that they do not know. */
function encodeCursor(id: string): string {
  return Buffer.from(`1:${id}`).toString('base64url');
}

function decodeCursor(kind: IdKind, cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const id = text.startsWith('1:') ? text.slice(2) : '';
  if (!isId(kind, id) || encodeCursor(id) !== cursor) {
    throw invalidQuery([{ field: 'cursor', message: 'is not a cursor of this list' }]);
  }
  return id;
}
