import { formatScope } from '@latchkey/protocol';
import type { ApiKey, Organization, ResourceServer } from '@latchkey/storage';
import type { Directory } from '../provider/directory.ts';
import type { Introspect } from '../provider/introspection.ts';
import { describeTerms } from '../provider/organization-terms.ts';
import type { PresentedApiKeys } from './api-keys.ts';

/**
 * What a resource server that takes API keys is told about one (RFC 7662 §2.2). Anybody else learns nothing (§4), and of
 * a key that may not be used nobody learns more than that.
 */
export function createIntrospectApiKey(deps: {
  apiKeys: PresentedApiKeys;
  directory: Directory;
  issuer: string;
  now: () => Date;
}): Introspect {
  const { apiKeys, directory, issuer, now } = deps;
  return async (clientId, token) => {
    const servers = (await directory.listResourceServers()).filter(
      ({ acceptsApiKeys, introspectionClientId }) => acceptsApiKeys && introspectionClientId === clientId,
    );
    if (servers.length === 0) return { active: false };
    const apiKey = await apiKeys.verify(token);
    if (!apiKey || !isUsable(apiKey, now())) return { active: false };
    const organization = await directory.findOrganization(apiKey.organizationId);
    return organization ? { ...describe(apiKey, organization, servers), iss: issuer } : { active: false };
  };
}

function isUsable({ revokedAt, expiresAt }: ApiKey, at: Date): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > at);
}

function describe(
  apiKey: ApiKey,
  organization: Organization,
  servers: readonly ResourceServer[],
): Record<string, unknown> {
  const { id, environment, expiresAt, createdAt, ipAllowlist, rateLimit } = apiKey;
  return {
    active: true,
    token_type: 'api_key',
    sub: id,
    scope: formatScope(
      apiKey.scopes.filter((scope) => servers.some(({ scopes }) => Object.hasOwn(scopes, scope))),
    ),
    org_id: organization.id,
    env: environment,
    iat: epochSeconds(createdAt),
    ...(expiresAt && { exp: epochSeconds(expiresAt) }),
    ...(ipAllowlist.length > 0 && { ip_allowlist: ipAllowlist }),
    ...(rateLimit !== null && { rate_limit: rateLimit }),
    ...describeTerms(organization),
  };
}

/** Rounded down: a key is never said to live longer than it does. */
function epochSeconds(instant: Date): number {
  return Math.floor(instant.getTime() / 1000);
}
