import type { PGlite } from '@electric-sql/pglite';
import { StorageUnavailableError } from '../errors.ts';
import type { SqlConnection, SqlPool } from '../postgres/dialect.ts';
import { mapDatabaseError } from '../postgres/errors.ts';

/** PGlite has one session: it is lent to one borrower at a time, so that transactions do not mix. */
export function createPglitePool(database: PGlite): SqlPool {
  let turn: Promise<void> = Promise.resolve();
  let closing: Promise<void> | undefined;
  const take = (): Promise<() => void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const mine = turn.then(() => resolve);
    turn = promise;
    return mine;
  };
  return {
    async connect() {
      if (closing) throw new StorageUnavailableError('the database is closed');
      return toConnection(database, await take());
    },
    end() {
      closing ??= take().then(() => database.close());
      return closing;
    },
  };
}

function toConnection(database: PGlite, release: () => void): SqlConnection {
  return {
    async query<R>(text: string, parameters: readonly unknown[]) {
      const { rows, affectedRows } = await database.query<R>(text, [...parameters]).catch(rethrow);
      return { rows, affected: affectedRows ?? 0 };
    },
    async script(text) {
      await database.exec(text).catch(rethrow);
    },
    release,
  };
}

function rethrow(error: unknown): never {
  // PGlite puts the statement's parameters on the error, and the error goes to the log: digests and addresses.
  if (error instanceof Error && 'params' in error) delete error.params;
  throw mapDatabaseError(error);
}
