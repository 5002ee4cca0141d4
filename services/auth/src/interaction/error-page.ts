import {
  type ErrorData,
  expiredInteraction,
  hostMismatch,
  httpsRequired,
  invalidRequest,
  type Pages,
  pageNotFound,
  redirectUriMismatch,
  serverError,
  temporarilyUnavailable,
  tooManyRequests,
  unknownApplication,
} from '@latchkey/pages';
import { contentSecurityPolicy, type HttpError, toHttpError } from '@latchkey/service';
import type Koa from 'koa';
import { type Configuration, type ErrorOut, errors, type KoaContextWithOIDC } from 'oidc-provider';

export type ErrorPage = (error: HttpError, ctx: Koa.Context) => string;

/** The client that an interaction names is gone or disabled. */
export class UnknownApplicationError extends Error {
  override name = 'UnknownApplicationError';
  readonly clientId: string;

  constructor(clientId: string) {
    super(`no live client ${clientId}`);
    this.clientId = clientId;
  }
}

/** Says what happened and what to do next. `issuer` is where a request with a foreign Host is shown the way to. */
export function createErrorPage(pages: Pages, issuer: string): ErrorPage {
  return (error, ctx) => renderErrorPage(pages, ctx, describeError(error, issuer));
}

/** The same page for what the library finds wrong where it cannot, or must not, redirect. */
export function createRenderError(pages: Pages, issuer: string): NonNullable<Configuration['renderError']> {
  return (ctx, out, cause) => {
    const answer = out.error === 'server_error' ? toHttpError(cause) : undefined;
    if (answer) {
      ctx.status = answer.status;
      ctx.set(answer.headers);
    }
    ctx.set('Cache-Control', 'no-store');
    ctx.type = 'html';
    const data = answer ? describeError(answer, issuer) : describeRefusal(ctx, out, cause);
    ctx.body = renderErrorPage(pages, ctx, data);
  };
}

type ErrorContext = Pick<Koa.Context, 'set' | 'state'>;

function renderErrorPage(pages: Pages, ctx: ErrorContext, data: ErrorData): string {
  ctx.set('Content-Security-Policy', contentSecurityPolicy());
  ctx.set('X-Frame-Options', 'DENY');
  return pages.render('error', { ...data, requestId: ctx.state.requestId });
}

function describeError(error: HttpError, issuer: string): ErrorData {
  if (error.cause instanceof errors.SessionNotFound) return expiredInteraction();
  if (error.cause instanceof UnknownApplicationError) return unknownApplication(error.cause.clientId);
  switch (error.code) {
    case 'misdirected_request':
      return hostMismatch(issuer);
    case 'https_required':
      return httpsRequired(issuer);
    case 'too_many_requests':
      return tooManyRequests(Number(error.headers['Retry-After'] ?? 1));
    case 'not_found':
      return pageNotFound();
    case 'temporarily_unavailable':
      return temporarilyUnavailable(Number(error.headers['Retry-After'] ?? 1));
    case 'server_error':
      return serverError();
    default:
      return { ...invalidRequest(error.description), code: error.code };
  }
}

function describeRefusal({ oidc }: KoaContextWithOIDC, out: ErrorOut, cause: Error): ErrorData {
  const clientId = textOf(oidc.params?.client_id);
  if (cause instanceof errors.SessionNotFound) return expiredInteraction();
  if (out.error === 'invalid_client' && clientId !== undefined) return unknownApplication(clientId);
  if (out.error === 'invalid_redirect_uri' && oidc.client) {
    const application = {
      name: oidc.client.clientName ?? oidc.client.clientId,
      clientId: oidc.client.clientId,
    };
    return redirectUriMismatch(application, textOf(oidc.params?.redirect_uri) ?? '');
  }
  return { ...invalidRequest(sentence(out.error_description ?? out.error)), code: out.error };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The library's descriptions are fragments in lower case. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}
