import { newId } from '@latchkey/protocol';
import type Provider from 'oidc-provider';
import { generationOf } from '../accounts/sign-in-generation.ts';

/**
 * Grants carry the organisation they were made for and the generation of their sign-in, and have ids of their own
 * kind: a grant's id is no bearer value, it stands in tokens.
 */
export function installGrants(provider: Provider): void {
  const { Grant } = provider;
  storeAlso(Grant, ['organizationId', 'signInGeneration']);
  Object.assign(Grant.prototype, { generateTokenId: () => newId('grant') });
}

/** Sessions carry the generation of their sign-in, from its result on; the library looks for the account only then. */
export function installSessions(provider: Provider): void {
  storeAlso(provider.Session, ['signInGeneration']);
  provider.on('interaction.ended', ({ oidc: { result, session } }) => {
    if (session && result?.login) Object.assign(session, { signInGeneration: generationOf(result.login) });
  });
}

/** The library stores of a model the fields that it lists. */
function storeAlso(model: { IN_PAYLOAD: string[] }, more: string[]): void {
  const fields = [...model.IN_PAYLOAD, ...more];
  Object.defineProperty(model, 'IN_PAYLOAD', { get: () => fields });
}
