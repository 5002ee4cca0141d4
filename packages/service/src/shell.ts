import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type Koa from 'koa';
import helmet from 'koa-helmet';
import { HttpError, toHttpError } from './errors.ts';
import type { Health } from './health.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import { sendPage } from './pages.ts';
import { settleForwarded, type TrustedProxies } from './proxies.ts';
import { redactPath } from './redaction.ts';

declare module 'koa' {
  interface DefaultState {
    /** Stands in the log line, the answer's `X-Request-Id` and every error shown to a person. */
    requestId: string;
    /** Template of the matched route, for metrics. */
    route?: string;
  }
}

export interface ShellOptions {
  logger: Logger;
  metrics: Metrics;
  health: Health;
  trustedProxies: TrustedProxies;
  /** The page for an error, where a person asked; without it every error is JSON. */
  renderErrorPage?: (error: HttpError, ctx: Koa.Context) => string;
}

/**
 * What every service does before anything of its own: who is calling, request id, security headers, health,
 * log line, metrics, and the one place where errors become JSON or HTML. Works on any Koa application.
 */
export function installShell(app: Koa, options: ShellOptions): void {
  app.proxy = true;
  app.on('error', logBrokenAnswer(options.logger));
  app.use(frame(options));
  app.use(healthRoutes(options.health));
}

/** Helmet's headers are for documents; `sendPage` adds the policy of each. On JSON they would only be carried along. */
const protectDocument = helmet({
  contentSecurityPolicy: false,
  strictTransportSecurity: false,
  xFrameOptions: { action: 'deny' },
});

function frame({ logger, metrics, health, trustedProxies, renderErrorPage }: ShellOptions): Koa.Middleware {
  return async function shellFrame(ctx, next) {
    const started = performance.now();
    const target = settleTarget(ctx) && namesOneHost(ctx.req);
    settleForwarded(ctx.req, trustedProxies);
    ctx.state.requestId = requestIdOf(ctx.req, trustedProxies);
    ctx.set('X-Request-Id', ctx.state.requestId);
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.set('Referrer-Policy', 'no-referrer');
    if (health.draining) ctx.set('Connection', 'close');
    try {
      if (!target)
        throw new HttpError('invalid_request', {
          description: 'The request target or the Host header is malformed',
        });
      await next();
      if (ctx.status === 404 && ctx.body == null) ctx.throw(404);
    } catch (error) {
      renderError(ctx, toHttpError(error), logger, renderErrorPage);
    }
    if (ctx.type === 'text/html') await protectDocument(ctx, async () => {});
    const seconds = (performance.now() - started) / 1000;
    const route = ctx.state.route ?? 'other';
    metrics.observeRequest({ method: ctx.method, route, status: ctx.status, seconds });
    logger.info(
      {
        request_id: ctx.state.requestId,
        method: ctx.method,
        path: withoutBearers(ctx.path),
        status: ctx.status,
        ip: ctx.ip,
        seconds,
      },
      'request',
    );
  };
}

/**
 * A target in absolute form (RFC 9112 §3.2.2) names the host itself, and counts above the Host header. It is brought
 * into the ordinary form before anything makes a URL of it. False when it is malformed.
 */
function settleTarget(ctx: Koa.Context): boolean {
  const { url = '' } = ctx.req;
  if (url.startsWith('/')) return true;
  const target = URL.parse(url);
  const usable = target !== null && /^https?:$/.test(target.protocol);
  if (usable) ctx.req.headers.host = target.host;
  ctx.req.url = usable ? `${target.pathname}${target.search}` : '/';
  ctx.originalUrl = ctx.req.url;
  return usable;
}

/**
 * RFC 9112 §3.2: of two Host fields Node keeps the first; a proxy that goes by the last would have sent, judged or cached
 * another request than the one that is answered here.
 */
function namesOneHost({ rawHeaders }: IncomingMessage): boolean {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts <= 1;
}

/**
 * For the log, which has no query either: the id of a sign-in in progress is the value of its cookie, and programs
 * put API keys where they do not belong.
 */
function withoutBearers(path: string): string {
  return redactPath(path).replace(/^(\/interaction|\/oauth\/authorize)\/[^/]+/, '$1/:uid');
}

function renderError(
  ctx: Koa.Context,
  error: HttpError,
  logger: Logger,
  renderErrorPage: ShellOptions['renderErrorPage'],
): void {
  const { requestId } = ctx.state;
  const level = error.status >= 500 ? 'error' : 'debug';
  logger[level]({ request_id: requestId, error: error.code, err: error.cause ?? error }, 'request failed');
  ctx.set(error.headers);
  if (renderErrorPage && ctx.accepts('json', 'html') === 'html') {
    sendPage(ctx, renderErrorPage(error, ctx), { status: error.status });
    return;
  }
  ctx.status = error.status;
  ctx.set('Cache-Control', 'no-store');
  ctx.body = error.toBody(requestId);
}

/**
 * What happens below or behind the one place where errors are rendered; Koa would write it to stderr as it is. Mostly
 * callers who went away: Koa marks what can no longer be answered.
 */
function logBrokenAnswer(
  logger: Logger,
): (error: Error & { headerSent?: boolean }, ctx?: Koa.Context) => void {
  return (error, ctx) => {
    const fields = { request_id: ctx?.state.requestId, err: error };
    if (error.headerSent) logger.debug(fields, 'connection broken');
    else logger.error(fields, 'request not answered');
  };
}

function requestIdOf(request: IncomingMessage, proxies: TrustedProxies): string {
  const given = request.headers['x-request-id'];
  if (typeof given !== 'string' || !/^[\w-]{8,64}$/.test(given)) return randomUUID();
  return proxies.includes(request.socket.remoteAddress ?? '') ? given : randomUUID();
}

function healthRoutes(health: Health): Koa.Middleware {
  return async function healthRoute(ctx, next) {
    if (ctx.path === '/healthz') {
      ctx.state.route = '/healthz';
      ctx.body = { status: 'ok' };
    } else if (ctx.path === '/readyz') {
      ctx.state.route = '/readyz';
      const failing = await health.failing();
      ctx.status = failing.length === 0 ? 200 : 503;
      ctx.body = failing.length === 0 ? { status: 'ready' } : { status: 'not ready', failing };
    } else {
      await next();
    }
  };
}
