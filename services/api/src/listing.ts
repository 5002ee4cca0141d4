import { type IdKind, isId } from '@latchkey/protocol';
import type { RowQuery } from '@latchkey/storage';
import { z } from 'zod';
import { invalidQuery } from './input.ts';
import { type FromWire, fromWire, toWire } from './wire.ts';

const DEFAULT_LIMIT = 25;
const MAX_LIMIT = 100;

/** Parameters of every list, with those of its filter. `maxLimit` is for lists of small rows. */
export function listQuery<Shape extends z.ZodRawShape>(filter: Shape, maxLimit = MAX_LIMIT) {
  return z.strictObject({
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(maxLimit)
      .default(DEFAULT_LIMIT)
      .describe('Most rows to answer'),
    cursor: z.string().max(200).optional().describe('`next_cursor` of the page before'),
    ...z.object(explained(filter)).partial().shape,
  });
}

function explained<Shape extends z.ZodRawShape>(filter: Shape): Shape {
  const fields = Object.entries(filter as unknown as Record<string, z.ZodType>);
  return Object.fromEntries(
    fields.map(([name, field]) => [
      name,
      field.description ? field : field.describe(`Only those whose \`${name}\` is this`),
    ]),
  ) as unknown as Shape;
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

export interface Page {
  data: Record<string, unknown>[];
  next_cursor: string | null;
}

/** Runs a list of rows that are answered as they are stored. */
export function listPage<Row extends { id: string }, Query extends ListParameters>(
  kind: IdKind,
  query: Query,
  list: (query: RowQuery<FromWire<Omit<Query, keyof ListParameters>>>) => Promise<Row[]>,
): Promise<Page> {
  const { limit, cursor, ...filter } = query;
  return turnPage({
    asked: { limit, cursor },
    isRowId: (id) => isId(kind, id),
    list: (rows) => list({ filter: fromWire(filter), ...rows }),
    show: toWire,
  });
}

interface PageOptions<Row> {
  asked: ListParameters;
  /** Whether a cursor may name it. */
  isRowId: (id: string) => boolean;
  /** At most `limit` rows, those older than `after` alone. */
  list: (rows: { after: string | undefined; limit: number }) => Promise<Row[]>;
  show: (row: Row) => Record<string, unknown>;
}

/** Runs a list: one row more than asked for tells whether there is another page. */
export async function turnPage<Row extends { id: string }>({
  asked: { limit, cursor },
  isRowId,
  list,
  show,
}: PageOptions<Row>): Promise<Page> {
  const after = cursor === undefined ? undefined : decodeCursor(isRowId, cursor);
  const rows = await list({ after, limit: limit + 1 });
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  const data = rows.slice(0, limit).map(show);
  return { data, next_cursor: last ? encodeCursor(last.id) : null };
}

/** Opaque to callers, so that what a page continues from can change. It holds nothing that they do not know. */
function encodeCursor(id: string): string {
  return Buffer.from(`1:${id}`).toString('base64url');
}

function decodeCursor(isRowId: (id: string) => boolean, cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const id = text.startsWith('1:') ? text.slice(2) : '';
  if (!isRowId(id) || encodeCursor(id) !== cursor) {
    throw invalidQuery([{ field: 'cursor', message: 'is not a cursor of this list' }]);
  }
  return id;
}
