/** Why nothing was answered. The platform's fetch itself says "fetch failed" whatever it was. */
export function describeFetchFailure(uri: string, error: unknown, timeoutMs: number): string {
  const timedOut = error instanceof Error && error.name === 'TimeoutError';
  return timedOut
    ? `${uri} did not answer within ${timeoutMs} ms`
    : `${uri} cannot be asked: ${innermost(error)}`;
}

/** Some errors have no message but a code: those of a name with several addresses, none of which answered. */
function innermost(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return innermost(error.cause);
  return error.message || ('code' in error ? String(error.code) : error.name);
}
