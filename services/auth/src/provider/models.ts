import { newId } from '@latchkey/protocol';
import type Provider from 'oidc-provider';

/**
 * Grants carry the organisation they were made for and have ids of their own kind: a grant's id is no bearer
 * value, it stands in tokens.
 */
export function installGrants(provider: Provider): void {
  const { Grant } = provider;
  const fields = [...Grant.IN_PAYLOAD, 'organizationId'];
  Object.defineProperty(Grant, 'IN_PAYLOAD', { get: () => fields });
  Object.assign(Grant.prototype, { generateTokenId: () => newId('grant') });
}
