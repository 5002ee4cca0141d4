import type Koa from 'koa';
import { errors } from 'oidc-provider';

/**
 * Finishes what the library answered. Its own faults, a store that is away among them, go to the shell: one place
 * renders errors, and an outage is a 503 with `Retry-After`, never a refused grant. Refusals get the request id.
 */
export function finishAnswers(issuer: string): Koa.Middleware {
  return async function answers(ctx, next) {
    await next();
    const { libraryError, requestId } = ctx.state;
    if (libraryError && !isRefusal(libraryError)) {
      ctx.remove('Location');
      throw libraryError;
    }
    if (!isErrorBody(ctx.body)) return;
    const properCode = findProperCode(libraryError);
    if (properCode === 'invalid_client') {
      ctx.status = 401;
      ctx.set('WWW-Authenticate', `Basic realm="${issuer}"`);
    }
    ctx.body = { ...ctx.body, ...(properCode && { error: properCode }), request_id: requestId };
  };
}

/**
 * Where programs call, errors are JSON whatever `Accept` says (RFC 6749 §5.2): the default one of Java's client
 * prefers HTML.
 */
export function answerInJson(paths: readonly string[]): Koa.Middleware {
  return function json(ctx, next) {
    if (paths.includes(ctx.path)) ctx.req.headers.accept = 'application/json';
    return next();
  };
}

function isRefusal(error: Error): boolean {
  return 'expose' in error && error.expose === true;
}

/** The library answers `invalid_request` to these, by its description, where RFC 6749 §5.2 has a code of its own. */
const PROPER_CODES: Record<string, string> = {
  'requested grant type is not allowed for this client': 'unauthorized_client',
  'no client authentication mechanism provided': 'invalid_client',
};

function findProperCode(error: Error | undefined): string | undefined {
  const isInvalidRequest = error instanceof errors.InvalidRequest;
  return isInvalidRequest ? PROPER_CODES[error.error_description ?? ''] : undefined;
}

function isErrorBody(body: unknown): body is { error: string } {
  return typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string';
}
