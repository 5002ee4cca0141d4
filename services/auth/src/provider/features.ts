import type { Configuration } from 'oidc-provider';
import type { Resources } from './resources.ts';
import type { TokenPolicy } from './token-policy.ts';

type Features = NonNullable<Configuration['features']>;

/** What is on. The rest is off, the library's own defaults among it. */
export function createFeatures(deps: {
  resources: Resources;
  policy: TokenPolicy;
  signOut: Pick<NonNullable<Features['rpInitiatedLogout']>, 'logoutSource' | 'postLogoutSuccessSource'>;
}): Features {
  const { resources, policy, signOut } = deps;
  return {
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    claimsParameter: { enabled: false },
    userinfo: { enabled: true },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: policy.allowIntrospection },
    revocation: { enabled: true, allowedPolicy: policy.allowRevocation },
    rpInitiatedLogout: { enabled: true, ...signOut },
    resourceIndicators: {
      enabled: true,
      defaultResource: resources.defaultResource,
      getResourceServerInfo: resources.getResourceServerInfo,
      // A token is for the API that was asked for, with `openid` too (`createJwtCustomizer`).
      useGrantedResource: async () => true,
    },
  };
}
