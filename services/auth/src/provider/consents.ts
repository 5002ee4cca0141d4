import type { Consent, DurableStorage } from '@latchkey/storage';
import type { Grant, KoaContextWithOIDC } from 'oidc-provider';
import { generationOf } from '../accounts/sign-in-generation.ts';
import type { GrantWithOrganization } from '../interaction/grant.ts';

/**
 * `loadExistingGrant`. Every flow gets a grant of its own, copied from what the account agreed to before: one grant
 * for a browser session and client would let a replay in one flow end the others. Nothing is stored for a request
 * that is about to ask the person anyway.
 */
export function createLoadExistingGrant(durable: Pick<DurableStorage, 'grants' | 'organizations'>) {
  return async function loadExistingGrant(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
    const { provider, client, account, session } = ctx.oidc;
    const decided = ctx.oidc.result?.consent?.grantId;
    if (decided) return provider.Grant.find(decided);
    if (!client || !account || !session || willAsk(ctx)) return undefined;
    const consent = await findLatestConsent(durable, account.accountId, client.clientId);
    if (!consent) return undefined;
    const owner = { accountId: account.accountId, clientId: client.clientId };
    const grant: GrantWithOrganization = new provider.Grant({ ...consent.payload, ...owner });
    grant.organizationId = consent.organizationId;
    grant.signInGeneration = generationOf(session);
    if (!covers(grant, ctx)) return undefined;
    await grant.save();
    return grant;
  };
}

/** Prompts that the request itself makes certain; a native application is always asked (RFC 8252 §8.6). */
function willAsk(ctx: KoaContextWithOIDC): boolean {
  const pending = ['login', 'consent'].some((prompt) => ctx.oidc.promptPending(prompt));
  return pending || ctx.oidc.client?.applicationType === 'native';
}

/** Whether the person was asked before about everything that is asked for now. */
function covers(grant: Grant, { oidc }: KoaContextWithOIDC): boolean {
  const known = new Set(grant.getOIDCScopeEncountered().split(' '));
  if (![...oidc.requestParamOIDCScopes].every((scope) => known.has(scope))) return false;
  return Object.entries(oidc.resourceServers ?? {}).every(([identifier, { scopes }]) => {
    const decided = new Set(grant.getResourceScopeEncountered(identifier).split(' '));
    const asked = [...oidc.requestParamScopes].filter((scope) => new Set(scopes).has(scope));
    return asked.every((scope) => decided.has(scope));
  });
}

/** The latest of those given in a seat the account still has, or without one. */
export async function findLatestConsent(
  { grants, organizations }: Pick<DurableStorage, 'grants' | 'organizations'>,
  accountId: string,
  clientId: string,
): Promise<Consent | undefined> {
  const seats = await organizations.listMemberships(accountId);
  const places = [...seats.map(({ organizationId }) => organizationId), null];
  const consents = await Promise.all(places.map((place) => grants.findConsent(accountId, clientId, place)));
  return consents
    .filter((consent) => consent !== undefined)
    .toSorted((a, b) => b.updatedAt.getTime() - a.updatedAt.getTime())[0];
}
