import type Koa from 'koa';

/**
 * The Content-Security-Policy of a page. Nothing comes from elsewhere and nothing runs inline. `formAction`
 * lists what a form's answer may lead to besides us: Chrome applies the directive to the whole redirect chain,
 * so a sign-in page must name the origin of the client it returns to.
 */
export function contentSecurityPolicy(options: { formAction?: string[]; imgSrc?: string[] } = {}): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    `img-src ${["'self'", 'data:', ...(options.imgSrc ?? [])].join(' ')}`,
    "font-src 'self'",
    "connect-src 'self'",
    `form-action ${["'self'", ...(options.formAction ?? [])].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

/** Answers with a page that no cache keeps. */
export function sendPage(
  ctx: Koa.Context,
  html: string,
  options: { status?: number; formAction?: string[]; imgSrc?: string[] } = {},
): void {
  ctx.status = options.status ?? 200;
  ctx.type = 'html';
  ctx.set('Cache-Control', 'no-store');
  ctx.set('Content-Security-Policy', contentSecurityPolicy(options));
  ctx.body = html;
}
