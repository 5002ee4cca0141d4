import { apiKeyPrefix } from '@latchkey/protocol';
import { apiKeyState, keyState, type Purged, toInput } from '@latchkey/registry';
import type {
  Account,
  ApiKey,
  Client,
  Member,
  Organization,
  ResourceServer,
  SigningKey,
} from '@latchkey/storage';

/** The shapes of `--json`. Scripts depend on them: members may be added, none renamed or taken away. */
type Shape = Record<string, unknown>;

export function presentOrganization(organization: Organization): Shape {
  return {
    id: organization.id,
    name: organization.name,
    plan: organization.plan,
    rate_limit: organization.rateLimit,
    ip_allowlist: organization.ipAllowlist,
    leaked_key_policy: organization.leakedKeyPolicy,
    created_at: organization.createdAt,
    updated_at: organization.updatedAt,
    disabled_at: organization.disabledAt,
  };
}

/** By its beginning and end: the key itself is not stored. */
export function presentApiKey(apiKey: ApiKey, now: Date): Shape {
  return {
    id: apiKey.id,
    organization: apiKey.organizationId,
    environment: apiKey.environment,
    name: apiKey.name,
    state: apiKeyState(apiKey, now),
    prefix: apiKeyPrefix(apiKey),
    last_four: apiKey.lastFour,
    scopes: apiKey.scopes,
    ip_allowlist: apiKey.ipAllowlist,
    rate_limit: apiKey.rateLimit,
    created_by: apiKey.createdBy,
    created_at: apiKey.createdAt,
    updated_at: apiKey.updatedAt,
    expires_at: apiKey.expiresAt,
    last_used_at: apiKey.lastUsedAt,
    revoked_at: apiKey.revokedAt,
    leaked_at: apiKey.leakedAt,
    successor: apiKey.successorId,
  };
}

export function presentAccount(account: Account): Shape {
  return {
    id: account.id,
    email: account.email,
    email_verified: account.emailVerified,
    name: account.name,
    has_password: account.passwordDigest !== null,
    created_at: account.createdAt,
    updated_at: account.updatedAt,
    disabled_at: account.disabledAt,
  };
}

export function presentMember({ organizationId, accountId, role }: Omit<Member, 'createdAt'>): Shape {
  return { organization: organizationId, user: accountId, role };
}

/** Secrets by id and end: their values are not stored. */
export function presentClient(client: Client): Shape {
  return {
    client_id: client.id,
    organization: client.organizationId,
    environment: client.environment,
    ...client.metadata,
    secrets: client.secrets.map(({ id, createdAt, expiresAt }) => ({
      id,
      created_at: createdAt,
      expires_at: expiresAt,
    })),
    created_at: client.createdAt,
    updated_at: client.updatedAt,
    disabled_at: client.disabledAt,
  };
}

export function presentResourceServer(record: ResourceServer): Shape {
  return { id: record.id, ...toInput(record), created_at: record.createdAt, updated_at: record.updatedAt };
}

export function presentSigningKey(key: SigningKey, keys: SigningKey[], now: Date): Shape {
  return {
    kid: key.kid,
    algorithm: key.algorithm,
    state: keyState(key, keys, now),
    created_at: key.createdAt,
    active_at: key.activeAt,
    retired_at: key.retiredAt,
    public_jwk: key.publicJwk,
  };
}

export function presentPurged(purged: Purged): Shape {
  return {
    refresh_tokens: purged.refreshTokens,
    grants: purged.grants,
    revocations: purged.revocations,
    idempotency_keys: purged.idempotencyKeys,
    usage: purged.usage,
  };
}
