import { describeDestination, type Pages } from '@latchkey/pages';
import { sendPage } from '@latchkey/service';
import type Koa from 'koa';

/** The answer to a form: whatever comes next is fetched, not posted again (RFC 9700 §4.12). */
export function seeOther(ctx: Koa.Context, location: string): void {
  ctx.redirect(location);
  ctx.status = 303;
}

/**
 * Chrome holds every redirect that follows a form against the form's page (`form-action`), those of the
 * application's own callback too: one that goes on to another origin, whose name we cannot know, would leave the
 * person stuck on our page with the code spent. So a browser leaves by a page of its own, which is no longer part
 * of the form. A native application's scheme is left by the redirect itself: it is opened only on the strength of
 * the person's click.
 */
export function leaveByPage({ pages, issuer }: { pages: Pages; issuer: string }): Koa.Middleware {
  return async function departure(ctx, next) {
    await next();
    const destination = ctx.response.get('Location');
    // Only browsers say what a request is for; the others have no such rule and keep the redirect.
    if (ctx.get('Sec-Fetch-Dest') !== 'document' || !leavesForWeb(destination, issuer)) return;
    const html = pages.render('message', {
      requestId: ctx.state.requestId,
      title: 'One moment',
      message: `You are being sent to ${placeOf(destination)}.`,
      links: [{ label: 'Continue', href: destination }],
    });
    ctx.remove('Location');
    ctx.set('Refresh', `0; url=${destination}`);
    sendPage(ctx, html);
  };
}

/**
 * Where one account's session has to end before another's begins, the library answers with a form that sends
 * itself. It adds its script's hash to a policy that is there already; every page of ours replaces this one.
 */
export const confineSelfPostingForm: Koa.Middleware = async function confined(ctx, next) {
  ctx.set(
    'Content-Security-Policy',
    "default-src 'none'; script-src 'self'; frame-ancestors 'none'; base-uri 'none'",
  );
  await next();
};

function leavesForWeb(destination: string, issuer: string): boolean {
  const url = URL.parse(destination);
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
  return isWeb && url?.origin !== new URL(issuer).origin;
}

function placeOf(destination: string): string {
  const described = describeDestination(destination);
  return described.kind === 'web' ? described.host : 'the application on this computer';
}
