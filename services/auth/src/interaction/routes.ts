import Router, { type RouterContext } from '@koa/router';
import type { Pages } from '@latchkey/pages';
import { HttpError, readForm } from '@latchkey/service';
import type { DurableStorage, NewAuditEvent } from '@latchkey/storage';
import type Koa from 'koa';
import type Provider from 'oidc-provider';
import type { InteractionResults } from 'oidc-provider';
import { z } from 'zod';
import type { Accounts } from '../accounts/accounts.ts';
import { ROUTES } from '../provider/routes.ts';
import { type AskingApplication, findApplication } from './application.ts';
import { showConsent, submitConsent } from './consent.ts';
import { confineSelfPostingForm, leaveByPage, seeOther } from './departure.ts';
import { UnknownApplicationError } from './error-page.ts';
import { findInteraction, type Interaction, requireSameOrigin } from './guard.ts';
import { showSignIn, submitSignIn } from './sign-in.ts';

/** Of the authorization request, as the library stored it after its own checks. */
const parameters = z.object({
  client_id: z.string(),
  redirect_uri: z.string(),
  login_hint: z.string().optional(),
});

const MAX_FORM_BYTES = 16 * 1024;

export interface InteractionDeps {
  provider: Provider;
  durable: Pick<DurableStorage, 'clients' | 'organizations' | 'resourceServers' | 'grants'>;
  accounts: Accounts;
  pages: Pages;
  audit: { record(event: NewAuditEvent): Promise<void> };
  now: () => Date;
}

/** One request of a person's way through an interaction. */
export interface InteractionStep {
  ctx: Koa.Context;
  deps: InteractionDeps;
  interaction: Interaction;
  application: AskingApplication;
  /** Of the interaction's pages; its cookie is bound to it. */
  path: string;
  /** Where the person will be sent: the library compared it with the registered ones. */
  redirectUri: string;
  loginHint: string | undefined;
  /** Records the result and goes on with the authorization request. */
  finish(result: InteractionResults, options: { merge: boolean }): Promise<void>;
}

type Show = (step: InteractionStep) => void | Promise<void>;
type Submit = (step: InteractionStep, form: URLSearchParams) => void | Promise<void>;

/** The pages between an authorization request and its answer: sign-in and consent. */
export function createInteractionRoutes(deps: InteractionDeps) {
  const router = new Router();
  const leave = leaveByPage({ pages: deps.pages, issuer: deps.provider.issuer });
  router.get([`${ROUTES.authorization}/:uid`, ROUTES.end_session], confineSelfPostingForm);
  router.get(`${ROUTES.authorization}/:uid`, leave);
  router.post(`${ROUTES.end_session}/confirm`, leave);
  const get = (path: string, show: Show) =>
    router.get(`/interaction/:uid${path}`, async (ctx) => {
      await show(await openStep(ctx, deps));
    });
  const post = (path: string, submit: Submit) =>
    router.post(`/interaction/:uid${path}`, async (ctx) => {
      requireSameOrigin(ctx, deps.provider.issuer);
      const step = await openStep(ctx, deps);
      await submit(step, await readInteractionForm(ctx));
    });

  get('', showPrompt);
  get('/sign-in', showSignIn);
  post('/sign-in', submitSignIn);
  post('/consent', submitConsent);
  post('/another-account', ({ ctx, path }) => seeOther(ctx, `${path}/sign-in`));
  post('/cancel', cancel);
  return router.routes();
}

async function openStep(ctx: RouterContext, deps: InteractionDeps): Promise<InteractionStep> {
  const { provider } = deps;
  if (ctx.routerPath !== undefined) ctx.state.route = ctx.routerPath;
  // Old browsers say `Origin: null` under a stricter policy, and so could not be told from a stranger.
  ctx.set('Referrer-Policy', 'same-origin');
  const interaction = await findInteraction(provider, ctx, ctx.params.uid ?? '');
  const { client_id, redirect_uri, login_hint } = parameters.parse(interaction.params);
  const application = await findApplication(deps.durable, client_id, redirect_uri);
  if (!application) throw new HttpError('invalid_request', { cause: new UnknownApplicationError(client_id) });
  return {
    ctx,
    deps,
    interaction,
    application,
    path: `/interaction/${interaction.uid}`,
    redirectUri: redirect_uri,
    loginHint: login_hint,
    async finish(result, { merge }) {
      const options = { mergeWithLastSubmission: merge };
      seeOther(ctx, await provider.interactionResult(ctx.req, ctx.res, result, options));
    },
  };
}

async function readInteractionForm(ctx: Koa.Context): Promise<URLSearchParams> {
  if (!ctx.is('application/x-www-form-urlencoded')) throw new HttpError('unsupported_media_type');
  return readForm(ctx.req, MAX_FORM_BYTES);
}

function showPrompt(step: InteractionStep): void | Promise<void> {
  const { name } = step.interaction.prompt;
  if (name === 'login') return showSignIn(step);
  if (name === 'consent') return showConsent(step);
  throw new Error(`no page for the prompt ${name}`);
}

function cancel({ finish }: InteractionStep): Promise<void> {
  return finish({ error: 'access_denied', error_description: 'The sign-in was cancelled' }, { merge: false });
}
