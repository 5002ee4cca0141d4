import { type IdKind, isId } from '@latchkey/protocol';
import type { Place, RowQuery } from '@latchkey/storage';
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
    cursors: rowCursors(kind),
    list: (rows) => list({ filter: fromWire(filter), ...rows }),
    show: toWire,
  });
}

/** What a page continues from, as text and back. Undefined for text that is no such thing. */
export interface Cursors<Row, After> {
  format(row: Row): string;
  parse(text: string): After | undefined;
}

/** For lists whose rows are never deleted: the id of the last row. */
export function rowCursors(kind: IdKind): Cursors<{ id: string }, string> {
  return {
    format: ({ id }) => `1:${id}`,
    parse: (text) => (text.startsWith('1:') && isId(kind, text.slice(2)) ? text.slice(2) : undefined),
  };
}

/** For lists whose rows may be deleted between two pages: the place of the last row. */
export function placeCursors(isRowId: (id: string) => boolean): Cursors<Place, Place> {
  return {
    format: ({ createdAt, id }) => `2:${createdAt.getTime()}:${id}`,
    parse(text) {
      const [, instant = '', id = ''] = /^2:(\d{1,14}):(.*)$/.exec(text) ?? [];
      return isRowId(id) ? { createdAt: new Date(Number(instant)), id } : undefined;
    },
  };
}

interface PageOptions<Row, After> {
  asked: ListParameters;
  cursors: Cursors<NoInfer<Row>, After>;
  /** At most `limit` rows, those older than `after` alone. */
  list: (rows: { after: After | undefined; limit: number }) => Promise<Row[]>;
  show: (row: Row) => Record<string, unknown>;
}

/** Runs a list: one row more than asked for tells whether there is another page. */
export async function turnPage<Row, After>({
  asked: { limit, cursor },
  cursors,
  list,
  show,
}: PageOptions<Row, After>): Promise<Page> {
  const after = cursor === undefined ? undefined : decodeCursor(cursors, cursor);
  const rows = await list({ after, limit: limit + 1 });
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  const data = rows.slice(0, limit).map(show);
  return { data, next_cursor: last === undefined ? null : encode(cursors.format(last)) };
}

/** Opaque to callers, so that what a page continues from can change. It holds nothing that they do not know. */
function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function decodeCursor<After>(cursors: Cursors<never, After>, cursor: string): After {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const after = encode(text) === cursor ? cursors.parse(text) : undefined;
  if (after === undefined) throw invalidQuery([{ field: 'cursor', message: 'is not a cursor of this list' }]);
  return after;
}
