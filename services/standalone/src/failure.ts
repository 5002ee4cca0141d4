import { StorageInUseError } from '@latchkey/storage';

/** Errors whose message says what to do. */
const PLAIN = ['EnvError', 'ListenError', 'InvalidInputError', 'SchemaTooNewError'];

export function describeStartFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof StorageInUseError) {
    return (
      'Another Latchkey runs on this data folder, whose database belongs to one process: stop that one first, or ' +
      `name another folder with --data. (${error.message})`
    );
  }
  if (error.name === 'SealedKeyError') {
    return `${error.message} secrets.json in the data folder is not the one this database was made with.`;
  }
  return PLAIN.includes(error.name) ? error.message : (error.stack ?? error.message);
}
