import type Koa from 'koa';
import { errors } from 'oidc-provider';

/**
 * Finishes what the library answered. Its own faults, a store that is away among them, go to the shell: one place
 * renders errors, and an outage is a 503 with `Retry-After`, never a refused grant. Refusals get the request id.
 */
export function finishAnswers(): Koa.Middleware {
  return async function answers(ctx, next) {
    await next();
    const { libraryError, requestId } = ctx.state;
    if (libraryError && !isRefusal(libraryError)) {
      ctx.remove('Location');
      throw libraryError;
    }
    if (!isErrorBody(ctx.body)) return;
    const error = isGrantTypeRefusal(libraryError) ? 'unauthorized_client' : ctx.body.error;
    ctx.body = { ...ctx.body, error, request_id: requestId };
  };
}

function isRefusal(error: Error): boolean {
  return 'expose' in error && error.expose === true;
}

/** The library answers `invalid_request` where RFC 6749 §5.2 has a code of its own. */
function isGrantTypeRefusal(error: Error | undefined): boolean {
  return (
    error instanceof errors.InvalidRequest &&
    error.error_description === 'requested grant type is not allowed for this client'
  );
}

function isErrorBody(body: unknown): body is { error: string } {
  return typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string';
}
