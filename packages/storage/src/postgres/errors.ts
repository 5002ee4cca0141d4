import { ConflictError, StorageUnavailableError } from '../errors.ts';

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);

/** Unique, foreign key and check constraints. */
const CONFLICT_STATES = new Set(['23505', '23503', '23514']);

const READ_ONLY = '25006';

/** SQLSTATEs after which the same request may succeed a moment later. Classes of two characters, codes of five. */
const TRANSIENT_STATES = new Set([
  '08', // connection exception
  '53', // out of connections, memory or disk
  '57', // shut down by the operator, cannot connect now, cancelled by the statement timeout
  READ_ONLY,
  '25P03', // idle in transaction for too long
  '40001', // serialization failure
  '40P01', // deadlock
]);

/** Faults that pg reports by message alone. */
const UNAVAILABLE_MESSAGE =
  /^(timeout e|Connection terminated|Query read timeout|Client (has encountered|was closed)|Cannot use a pool)/;

/** The one place where a fault of the database gets its meaning. */
export function mapDatabaseError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (CONFLICT_STATES.has(code)) return new ConflictError(conflictMessage(error), { cause: error });
  const unavailable =
    NETWORK_CODES.has(code) ||
    TRANSIENT_STATES.has(code) ||
    (code.length === 5 && TRANSIENT_STATES.has(code.slice(0, 2))) ||
    UNAVAILABLE_MESSAGE.test(error.message) ||
    (error instanceof AggregateError && error.errors.some(isNetworkError));
  return unavailable ? new StorageUnavailableError('the database is unavailable', { cause: error }) : error;
}

/** Connected to the standby of a failover, which may go on answering reads for ever. */
export function isReadOnly(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === READ_ONLY;
}

function isNetworkError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && NETWORK_CODES.has(String(error.code));
}

function conflictMessage(error: Error): string {
  const constraint = 'constraint' in error ? String(error.constraint) : 'unknown';
  return `conflicts with what is stored (${constraint})`;
}
