import type { Pages } from '@latchkey/pages';
import { sendPage } from '@latchkey/service';
import type { DurableStorage } from '@latchkey/storage';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { z } from 'zod';
import type { Accounts } from '../accounts/accounts.ts';
import { type AskingApplication, findApplication, pageSources } from './application.ts';

export interface SignOutDeps {
  durable: Pick<DurableStorage, 'clients' | 'organizations'>;
  accounts: Accounts;
  pages: Pages;
}

/** What the library keeps in the session while a person decides (OpenID Connect RP-Initiated Logout §2). */
const pendingSignOut = z.object({
  secret: z.string(),
  clientId: z.string().optional(),
  postLogoutRedirectUri: z.string().optional(),
});

/** The pages of `features.rpInitiatedLogout`. */
export function createSignOut({ durable, accounts, pages }: SignOutDeps) {
  const applicationOf = async (clientId: string | undefined): Promise<AskingApplication | undefined> =>
    clientId === undefined ? undefined : findApplication(durable, clientId);

  return {
    /** Asks. Posting without `logout` keeps the session and returns to the application all the same. */
    async logoutSource(ctx: KoaContextWithOIDC): Promise<void> {
      const { session } = ctx.oidc;
      const { secret, clientId, postLogoutRedirectUri } = pendingSignOut.parse(session?.state);
      const application = await applicationOf(clientId);
      const account = session?.accountId ? await accounts.find(session.accountId) : undefined;
      const action = ctx.oidc.urlFor('end_session_confirm');
      const xsrf = { name: 'xsrf', value: secret };
      const html = pages.render('sign-out', {
        requestId: ctx.state.requestId,
        application: application?.view,
        account: account && { email: account.email },
        form: { action, fields: [xsrf, { name: 'logout', value: 'yes' }] },
        cancel: { action, fields: [xsrf] },
      });
      ctx.set('Referrer-Policy', 'same-origin');
      sendPage(ctx, html, pageSources(application?.view, postLogoutRedirectUri));
    },

    /** Where the application named no address to return to. */
    async postLogoutSuccessSource(ctx: KoaContextWithOIDC): Promise<void> {
      const application = await applicationOf(ctx.oidc.client?.clientId);
      const html = pages.render('signed-out', {
        requestId: ctx.state.requestId,
        application: application?.view,
        continueUrl: application?.view.homepageUrl,
      });
      sendPage(ctx, html, pageSources(application?.view, undefined));
    },
  };
}
