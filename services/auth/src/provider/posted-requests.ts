import { HttpError, readForm } from '@latchkey/service';
import type Koa from 'koa';

/** The parameters become an address, and Node refuses requests whose head is over 16 KiB. */
const MAX_FORM_BYTES = 8 * 1024;

/**
 * A client may have the browser post its parameters (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2). The
 * library reads such a post only with session cookies that every site's requests carry (`SameSite=None`); sent on to
 * the same request by GET, the browser brings its `Lax` cookie along.
 */
export function redirectPosted(paths: readonly string[]): Koa.Middleware {
  return async function postedRequest(ctx, next) {
    if (ctx.method !== 'POST' || !paths.includes(ctx.path)) return next();
    ctx.state.route = ctx.path;
    if (!ctx.is('application/x-www-form-urlencoded')) throw new HttpError('unsupported_media_type');
    const form = await readForm(ctx.req, MAX_FORM_BYTES);
    // Both: a parameter that stands in the query and in the body is given twice, which the request's reader refuses.
    const parameters = new URLSearchParams([...ctx.URL.searchParams, ...form]);
    ctx.set('Cache-Control', 'no-store');
    ctx.redirect(`${ctx.path}?${parameters}`);
    ctx.status = 303;
  };
}
