import type { SignInData } from '@latchkey/pages';
import { sendPage } from '@latchkey/service';
import type { Account } from '@latchkey/storage';
import type { SignInOutcome } from '../accounts/accounts.ts';
import { pageSources } from './application.ts';
import type { InteractionStep } from './routes.ts';

const INCOMPLETE = 'Enter your e-mail address and your password.';
/** One answer for every reason: it tells nobody which addresses have an account. */
const REFUSED = 'The e-mail address or the password is not right.';

export function showSignIn(step: InteractionStep): void {
  renderSignIn(step, { email: step.loginHint });
}

function renderSignIn(
  { ctx, deps, application, path, redirectUri }: InteractionStep,
  outcome: Pick<SignInData, 'email' | 'error' | 'throttled'>,
  status = 200,
): void {
  const html = deps.pages.render('sign-in', {
    ...outcome,
    requestId: ctx.state.requestId,
    application: application.view,
    form: { action: `${path}/sign-in`, fields: [] },
    cancel: { action: `${path}/cancel`, fields: [] },
  });
  sendPage(ctx, html, { status, ...pageSources(application.view, redirectUri) });
}

/** Checks the form; on success the person is signed in once the interaction resumes. */
export async function submitSignIn(step: InteractionStep, form: URLSearchParams): Promise<void> {
  const { ctx, deps } = step;
  const email = form.get('email')?.trim() ?? '';
  const password = form.get('password') ?? '';
  if (email === '' || password === '') return renderSignIn(step, { email, error: INCOMPLETE }, 400);
  const result = await deps.accounts.signIn({
    email,
    password,
    ip: ctx.ip,
    requestId: ctx.state.requestId,
  });
  if (result.outcome === 'accepted') return finishSignIn(step, result.account);
  refuse(step, email, result);
}

function refuse(
  step: InteractionStep,
  email: string,
  result: Exclude<SignInOutcome, { outcome: 'accepted' }>,
): void {
  if (result.outcome === 'throttled') {
    const { retryAfterSeconds } = result;
    step.ctx.set('Retry-After', String(retryAfterSeconds));
    renderSignIn(step, { email, throttled: { retryAfterSeconds } }, 429);
  } else {
    renderSignIn(step, { email, error: REFUSED }, 400);
  }
}

/**
 * What was submitted before belongs to whoever was signed in before, so it is not merged. The generation is the one
 * read before the password was verified: had every sign-in been ended meanwhile, this one is among them.
 */
function finishSignIn({ finish, deps }: InteractionStep, account: Account): Promise<void> {
  const ts = Math.floor(deps.now().getTime() / 1000);
  const { id: accountId, signInGeneration } = account;
  const login = { accountId, amr: ['pwd'], remember: true, ts, signInGeneration };
  return finish({ login }, { merge: false });
}
