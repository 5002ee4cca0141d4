import { ConflictError, StorageUnavailableError } from '@latchkey/storage';
import { CommanderError } from 'commander';
import { CancelledError, UsageError } from './usage.ts';

/** What stands behind a unique constraint, in an operator's words. */
const TAKEN: [pattern: RegExp, message: string][] = [
  [/accounts_email_key/, 'That e-mail address belongs to another user.'],
  [/resource_servers_identifier_key/, 'That identifier belongs to another resource server.'],
  [/_pkey/, 'That id is taken.'],
];

/** Errors that explain themselves. */
const PLAIN = [
  'InvalidInputError',
  'NotFoundError',
  'StateError',
  'StoppedError',
  'EnvError',
  'SchemaTooNewError',
  'SchemaTooOldError',
];

/** Says what went wrong on stderr and answers the exit code: 1 for a failure, 2 for a wrong call. */
export function reportFailure(error: unknown): number {
  // Commander has written its message, or the help that was asked for, by itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  process.stderr.write(`${describe(error)}\n`);
  return error instanceof UsageError ? 2 : 1;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ConflictError) {
    return TAKEN.find(([pattern]) => pattern.test(error.message))?.[1] ?? error.message;
  }
  if (error instanceof StorageUnavailableError) {
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
    return `The database (DATABASE_URL) is not reachable${cause}`;
  }
  const plain = PLAIN.includes(error.name) || error instanceof UsageError || error instanceof CancelledError;
  return plain ? error.message : (error.stack ?? error.message);
}
