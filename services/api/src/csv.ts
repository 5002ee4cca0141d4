import { z } from 'zod';

/** The query's parameter that asks for it by name, for links, which send no `Accept`. */
export const format = z.enum(['json', 'csv']).describe('Default: as `Accept` says');

/** How the rows of a list read as CSV. */
export interface CsvShape {
  /** Of the file that a browser saves, without its ending. */
  fileName: string;
  /** Header of each column, and how its cell comes from a row of the JSON answer. */
  columns: Record<string, (row: Record<string, unknown>) => unknown>;
}

export const CSV_TYPE = 'text/csv; charset=utf-8; header=present';

/** RFC 4180: CRLF after every line, the header's too; quotes where a cell needs them. */
export function formatCsv({ columns }: CsvShape, rows: readonly Record<string, unknown>[]): string {
  const cells = Object.values(columns);
  const lines = [Object.keys(columns), ...rows.map((row) => cells.map((cell) => defuse(toText(cell(row)))))];
  return lines.map((line) => `${line.map(quote).join(',')}\r\n`).join('');
}

function toText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/**
 * A spreadsheet takes a cell that begins so for a formula, which can fetch and send (CWE-1236), and some of what is
 * logged was chosen by strangers. The apostrophe makes it text. Where decimals have a comma, spreadsheets part cells
 * at semicolons instead, and within quotes too when these do not begin the line.
 */
function defuse(text: string): string {
  return text.replace(/(^|;)(?=[=+\-@\t\r])/g, "$1'");
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
