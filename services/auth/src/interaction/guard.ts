import { HttpError } from '@latchkey/service';
import type Koa from 'koa';
import type Provider from 'oidc-provider';
import { errors } from 'oidc-provider';

export type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

/**
 * The interaction that this browser started. Its cookie is bound to the interaction's path; the comparison holds
 * where a browser is made to send another one's.
 * @throws `SessionNotFound` when it is over, expired, or another browser's
 */
export async function findInteraction(
  provider: Provider,
  ctx: Koa.Context,
  uid: string,
): Promise<Interaction> {
  const interaction = await provider.interactionDetails(ctx.req, ctx.res);
  if (interaction.uid !== uid) throw new errors.SessionNotFound('the cookie is another interaction’s');
  return interaction;
}

/**
 * Refuses a form that another site sent (cross-site request forgery, and signing a person in to the attacker's
 * account). The cookie alone would nearly do: it is HttpOnly, SameSite=Lax and bound to a path that holds the
 * unguessable uid, so a stranger's page can neither address the form nor have the cookie sent with it. That leaves
 * a sibling subdomain, which is the same site and can plant a cookie of an interaction of its own; its forms name
 * their origin in these headers, and no page can make them lie. A value of our own in the form would add nothing:
 * whoever planted the cookie can read that value too.
 */
export function requireSameOrigin(ctx: Koa.Context, issuer: string): void {
  const site = ctx.get('Sec-Fetch-Site');
  const origin = ctx.get('Origin');
  const ours =
    site === ''
      ? origin === '' || origin === new URL(issuer).origin
      : site === 'same-origin' || site === 'none';
  if (ours) return;
  throw new HttpError('forbidden', {
    description: 'The form was sent by another site, so nothing was done',
    cause: new Error(`cross-site form: Sec-Fetch-Site "${site}", Origin "${origin}"`),
  });
}
