/** A unique value is taken, or the record is in a state that does not allow the change. */
export class ConflictError extends Error {
  override name = 'ConflictError';
}

/** The store is away. The request may be tried again; nothing is known about whether it took effect. */
export class StorageUnavailableError extends Error {
  override name = 'StorageUnavailableError';
}

/** The schema is newer than this release can work with. */
export class SchemaTooNewError extends Error {
  override name = 'SchemaTooNewError';
}

/** The schema lacks migrations of this release. */
export class SchemaTooOldError extends Error {
  override name = 'SchemaTooOldError';
}

/** The data folder belongs to another process. */
export class StorageInUseError extends Error {
  override name = 'StorageInUseError';
}
