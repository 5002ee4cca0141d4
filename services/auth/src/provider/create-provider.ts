import type { Pages } from '@latchkey/pages';
import type { Logger } from '@latchkey/service';
import type { DurableStorage, SharedStorage } from '@latchkey/storage';
import Provider, { type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import type { Accounts } from '../accounts/accounts.ts';
import type { Audit } from '../audit.ts';
import type { AuthConfig } from '../config.ts';
import { createRenderError } from '../interaction/error-page.ts';
import { createInteractionPolicy } from '../interaction/policy.ts';
import { createSignOut } from '../interaction/sign-out.ts';
import type { AccessTokenVerifier } from './access-tokens.ts';
import { createAdapterFactory } from './adapter.ts';
import { createExtraTokenClaims, createFindAccount, createJwtCustomizer } from './claims.ts';
import { createAssertAssertion, installReplayDetection } from './client-assertions.ts';
import { installClientSecrets } from './client-secrets.ts';
import { installClients, type LibraryClients } from './clients.ts';
import type { CodeRedemption } from './code-redemption.ts';
import { createConfiguration } from './configuration.ts';
import { createLoadExistingGrant } from './consents.ts';
import type { Directory } from './directory.ts';
import { followEvents } from './events.ts';
import { createFeatures } from './features.ts';
import type { Authority } from './grants.ts';
import type { KeyRing, KeySet } from './keys.ts';
import { installGrants, installSessions } from './models.ts';
import { installOwnTokens } from './own-tokens.ts';
import { createSuccessorOf, installRefreshTokens } from './refresh-tokens.ts';
import { createResources } from './resources.ts';
import type { RevocationStatus } from './revocation-status.ts';
import { ROUTES } from './routes.ts';
import type { TokenPolicy } from './token-policy.ts';
import { installUserinfo } from './userinfo.ts';

export interface ProviderDeps {
  config: AuthConfig;
  durable: DurableStorage;
  shared: SharedStorage;
  logger: Logger;
  now: () => Date;
  audit: Audit;
  pages: Pages;
  accounts: Accounts;
  directory: Directory;
  authority: Authority;
  keyRing: KeyRing;
  verifier: AccessTokenVerifier;
  status: RevocationStatus;
  tokenPolicy: TokenPolicy;
  codeRedemption: CodeRedemption;
}

/**
 * The library with our stores and rules under it. Its keys are fixed when it is made, so a change of keys makes
 * another one: all state is in the stores, and requests in flight finish on the one they began on.
 */
export function createProvider(deps: ProviderDeps, keySet: KeySet): Provider {
  const { config, directory, shared, status, verifier } = deps;
  // The configuration speaks of clients that only the finished provider can look up.
  const recordOf: LibraryClients['recordOf'] = (client) => clients.recordOf(client);
  const provider = new Provider(config.issuer, configurationOf(deps, keySet, { recordOf }));
  const clients = installClients(provider, directory);
  installClientSecrets(provider, { clients, pepper: config.pepper, now: deps.now });
  installGrants(provider);
  installSessions(provider);
  installReplayDetection(provider, shared.replays);
  installRefreshTokens(provider, createSuccessorOf(config.pepper));
  installUserinfo(provider, { verifier, status, endpoint: userinfoEndpoint(config.issuer) });
  installOwnTokens(provider);
  followEvents(provider, deps);
  return provider;
}

function configurationOf(deps: ProviderDeps, keySet: KeySet, clients: LibraryClients): Configuration {
  const { config, durable, directory, keyRing, pages } = deps;
  const { organizations } = durable;
  const resources = createResources({ directory, organizations, clients, keyRing });
  return createConfiguration(config, {
    clients,
    adapter: createAdapterFactory(deps),
    jwks: { keys: keySet.keys.map(({ privateJwk }) => privateJwk) },
    features: createFeatures({ resources, policy: deps.tokenPolicy, signOut: createSignOut(deps) }),
    findAccount: createFindAccount(durable.accounts),
    loadExistingGrant: createLoadExistingGrant(durable),
    extraTokenClaims: createExtraTokenClaims({ resources, clients }),
    renderError: createRenderError(pages, config.issuer),
    assertJwtClientAuthClaimsAndHeader: createAssertAssertion(deps.now),
    policy: createInteractionPolicy(organizations),
    revokeGrantPolicy: createRevokeGrantPolicy(deps.codeRedemption),
    customizeJwt: createJwtCustomizer(userinfoEndpoint(config.issuer)),
  });
}

/** Whether the library's revocation of what belongs to a grant ends the grant itself. */
function createRevokeGrantPolicy({ isReplay }: CodeRedemption) {
  return async function revokeGrantPolicy(ctx: KoaContextWithOIDC): Promise<boolean> {
    const { route, entities, params } = ctx.oidc;
    if (route === 'revocation' && entities.AccessToken) return false;
    if (route === 'token' && params?.grant_type === 'authorization_code') return isReplay(ctx);
    return true;
  };
}

function userinfoEndpoint(issuer: string): string {
  return new URL(ROUTES.userinfo, issuer).href;
}
