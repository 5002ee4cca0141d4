/** What a command shows: text for people, or one JSON document on stdout and nothing else there. */
export interface Output {
  /** A record, or what became of it. */
  record(value: Record<string, unknown>): void;
  /** Records as a table of the named columns; as JSON they are whole. */
  list(values: Record<string, unknown>[], columns: string[], whenEmpty: string): void;
  /** For scripts alone, where people are told in words. */
  document(value: Record<string, unknown>): void;
  /** For people alone. */
  say(text: string): void;
  /** For scripts alone, on stderr: what their document would have held, had the command not failed. */
  salvage(text: string): void;
  /** For people, on stderr: what they must not overlook, also beside JSON. */
  warn(text: string): void;
}

export function createOutput(json: boolean): Output {
  const write = (text: string) => void process.stdout.write(`${text}\n`);
  const warn = (text: string) => void process.stderr.write(`${text}\n`);
  const writeJson = (value: unknown) => write(JSON.stringify(value, null, 2));
  return {
    record: (value) => (json ? writeJson(value) : write(formatRecord(value))),
    list: (values, columns, whenEmpty) => {
      if (json) writeJson(values);
      else write(values.length === 0 ? whenEmpty : formatTable(values, columns));
    },
    document: (value) => {
      if (json) writeJson(value);
    },
    say: (text) => {
      if (!json) write(text);
    },
    salvage: (text) => {
      if (json) warn(text);
    },
    warn,
  };
}

function formatRecord(value: Record<string, unknown>): string {
  const width = Math.max(...Object.keys(value).map((name) => name.length));
  return Object.entries(value)
    .map(([name, part]) => {
      const [first = '', ...more] = formatValue(part);
      const indent = `\n${' '.repeat(width + 2)}`;
      return `${name.padEnd(width)}  ${[first, ...more].join(indent)}`;
    })
    .join('\n');
}

export function formatTable(values: Record<string, unknown>[], columns: string[]): string {
  const rows = [
    columns,
    ...values.map((value) => columns.map((name) => formatValue(value[name]).join(', '))),
  ];
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => (row[index] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** One line, or one for each element. */
function formatValue(value: unknown): string[] {
  if (value === null || value === undefined || value === '') return ['-'];
  if (Array.isArray(value))
    return value.length === 0 ? ['-'] : value.map((part) => formatValue(part).join(' '));
  if (value instanceof Date) return [value.toISOString()];
  if (typeof value !== 'object') return [String(value)];
  return Object.entries(value).map(([name, part]) => `${name}: ${formatValue(part).join(' ')}`);
}
