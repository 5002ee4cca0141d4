import { type DestinationStream, destination, type Logger, pino } from 'pino';
import { redactBearers } from './redaction.ts';

export type { Logger } from 'pino';

/** Fields that can hold a bearer value, wherever a careless call puts them. */
const SECRET_FIELDS = new Set([
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'secret',
  'client_secret',
  'client_assertion',
  'token',
  'access_token',
  'refresh_token',
  'id_token',
  'code_verifier',
  'api_key',
  'key',
]);
const MAX_DEPTH = 5;
const BUFFER_BYTES = 8192;
const FLUSH_MS = 200;

/**
 * JSON lines on stdout, secrets redacted. `level` as in pino; `silent` for none. Lines are written in batches, at
 * the latest after 200 ms and when the process ends; only a `kill -9` can lose the last of them.
 *
 * API keys and JWTs have a form of their own, so they are found wherever they stand, an error's message among it: each line
 * is looked through once as it leaves.
 */
export function createLogger(
  options: { service: string; level?: string },
  stream: DestinationStream = batchedStdout(),
): Logger {
  return pino(
    {
      level: options.level ?? 'info',
      base: { service: options.service },
      serializers: { err: describeError },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redact(fields, 1) as Record<string, unknown>,
      },
    },
    { write: (line) => stream.write(redactBearers(line)) },
  );
}

/** The same value without secrets. Copies only what holds one: most lines are a few plain fields. */
function redact(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Error || depth > MAX_DEPTH)
    return value;
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  let copy: Record<string, unknown> | undefined;
  for (const [name, held] of Object.entries(value)) {
    const shown = SECRET_FIELDS.has(name.toLowerCase()) ? '[redacted]' : redact(held, depth + 1);
    if (shown === held) continue;
    copy ??= { ...value };
    copy[name] = shown;
  }
  return copy ?? value;
}

function batchedStdout(): DestinationStream {
  const stream = destination({ dest: 1, sync: false, minLength: BUFFER_BYTES });
  setInterval(() => stream.flush(), FLUSH_MS).unref();
  process.on('exit', () => {
    try {
      stream.flushSync();
    } catch {
      // Nothing was written yet, so there is nothing to lose.
    }
  });
  return stream;
}

/** No other property of an error: PostgreSQL's `detail` quotes the row, and libraries attach whole requests. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  return {
    type: name,
    message,
    ...(typeof code === 'string' && { code }),
    stack,
    ...(cause !== undefined && { cause: describeError(cause) }),
  };
}
