import type { Pages } from '@latchkey/pages';
import { sendPage } from '@latchkey/service';
import type Koa from 'koa';
import { ROUTES } from './provider/routes.ts';

/** What somebody sees who opens the issuer's address in a browser. */
export function serveHome(pages: Pages, issuer: string): Koa.Middleware {
  const links = [
    {
      label: 'Server metadata',
      href: '/.well-known/oauth-authorization-server',
      description: 'Every endpoint and what it supports (RFC 8414)',
    },
    {
      label: 'OpenID configuration',
      href: '/.well-known/openid-configuration',
      description: 'The same for OpenID Connect clients',
    },
    { label: 'Signing keys', href: ROUTES.jwks, description: 'The public keys of tokens (RFC 7517)' },
  ];
  return function home(ctx, next) {
    if (ctx.path !== '/' || !['GET', 'HEAD'].includes(ctx.method)) return next();
    ctx.state.route = '/';
    sendPage(ctx, pages.render('home', { issuer, links, requestId: ctx.state.requestId }));
  };
}
