import { describeDestination } from '@latchkey/pages';
import { HttpError, sendPage } from '@latchkey/service';
import type { Account, Membership } from '@latchkey/storage';
import { isOfPresentGeneration } from '../accounts/sign-in-generation.ts';
import { findLatestConsent } from '../provider/consents.ts';
import { pageSources } from './application.ts';
import { mergeConsent } from './consent-record.ts';
import { seeOther } from './departure.ts';
import { createGrant } from './grant.ts';
import { readRequestedAuthority } from './requested.ts';
import type { InteractionStep } from './routes.ts';
import { describeRequested } from './scopes.ts';

/** Shows who asks for what. Without a usable account there is nobody to ask: sign in first. */
export async function showConsent(step: InteractionStep): Promise<void> {
  const { ctx, deps, application, path, redirectUri, interaction } = step;
  const account = await findSignedIn(step);
  if (!account) return ctx.redirect(`${path}/sign-in`);
  const seats = await deps.durable.organizations.listMemberships(account.id);
  const words = await describeRequested(
    deps.durable.resourceServers,
    readRequestedAuthority(interaction.prompt.details),
    seats,
  );
  const html = deps.pages.render('consent', {
    ...words,
    requestId: ctx.state.requestId,
    application: application.view,
    form: { action: `${path}/consent`, fields: [] },
    account: { email: account.email, name: account.name || undefined },
    anotherAccount: { action: `${path}/another-account`, fields: [] },
    organizations: seats.map(({ organization, role }) => ({
      id: organization.id,
      name: organization.name,
      role,
    })),
    selectedOrganizationId: await suggestSeat(step, account, seats),
    destination: describeDestination(redirectUri),
  });
  sendPage(ctx, html, pageSources(application.view, redirectUri));
}

/** The seat used last with this application, else the one in its owner's organisation. */
async function suggestSeat(
  { deps, application }: InteractionStep,
  account: Account,
  seats: readonly Membership[],
): Promise<string | undefined> {
  const latest = await findLatestConsent(deps.durable, account.id, application.client.id);
  const candidates = [latest?.organizationId, application.client.organizationId, seats[0]?.organizationId];
  return candidates.find((id) => seats.some((seat) => seat.organizationId === id)) ?? undefined;
}

/** `deny` leaves what was agreed to before as it was. */
export async function submitConsent(step: InteractionStep, form: URLSearchParams): Promise<void> {
  if (step.interaction.prompt.name !== 'consent') {
    throw new HttpError('invalid_request', { description: 'Sign in first' });
  }
  const decision = form.get('decision');
  if (decision === 'deny') return deny(step);
  if (decision !== 'allow')
    throw new HttpError('invalid_request', { description: 'The form lacks a decision' });
  const account = await findSignedIn(step);
  if (!account) return seeOther(step.ctx, `${step.path}/sign-in`);
  const seats = await step.deps.durable.organizations.listMemberships(account.id);
  await allow(step, account, chooseSeat(seats, form.get('organization')));
}

/** Whoever is signed in in this browser now: since the page was asked for, every sign-in may have been ended. */
async function findSignedIn({ deps, interaction }: InteractionStep): Promise<Account | undefined> {
  const { accountId, uid } = interaction.session ?? {};
  const session = uid === undefined ? undefined : await deps.provider.Session.findByUid(uid);
  if (accountId === undefined || session?.accountId !== accountId) return undefined;
  const account = await deps.accounts.find(accountId);
  return account && isOfPresentGeneration(session, account) ? account : undefined;
}

function chooseSeat(seats: readonly Membership[], chosen: string | null): Membership | undefined {
  if (chosen === null && seats.length <= 1) return seats[0];
  const seat = seats.find(({ organizationId }) => organizationId === chosen);
  if (seat) return seat;
  throw new HttpError('invalid_request', { description: 'Choose one of your organisations' });
}

async function deny(step: InteractionStep): Promise<void> {
  const { deps, ctx, interaction, application, finish } = step;
  await deps.audit.record({
    action: 'consent.denied',
    result: 'failure',
    actor: { type: 'account', id: interaction.session?.accountId ?? null },
    target: { type: 'client', id: application.client.id },
    ip: ctx.ip,
    requestId: ctx.state.requestId,
  });
  await finish({ error: 'access_denied', error_description: 'The request was denied' }, { merge: false });
}

/** Grants what the interaction asked for, as far as the seat goes: the form chooses a seat, never a scope. */
async function allow(step: InteractionStep, account: Account, seat: Membership | undefined): Promise<void> {
  const { ctx, deps, application, finish, interaction } = step;
  const requested = readRequestedAuthority(interaction.prompt.details);
  const owner = { accountId: account.id, clientId: application.client.id };
  const organizationId = seat?.organizationId ?? null;
  const grant = createGrant(
    deps.provider,
    { ...owner, signInGeneration: account.signInGeneration },
    requested,
    seat,
  );
  const grantId = await grant.save();
  const { grants } = deps.durable;
  const earlier = await grants.findConsent(owner.accountId, owner.clientId, organizationId);
  const payload = mergeConsent(earlier?.payload, grant);
  await grants.putConsent({ ...owner, organizationId, payload });
  await deps.audit.record({
    action: 'consent.granted',
    result: 'success',
    actor: { type: 'account', id: account.id },
    target: { type: 'client', id: application.client.id },
    organizationId,
    ip: ctx.ip,
    requestId: ctx.state.requestId,
    details: { grant_id: grantId, openid: grant.openid ?? null, resources: grant.resources ?? null },
  });
  await finish({ consent: { grantId } }, { merge: true });
}
