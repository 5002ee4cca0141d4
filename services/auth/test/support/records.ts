import { randomBytes } from 'node:crypto';
import { type ClientMetadata, DATA_SCOPES, formatScope, newId, OIDC_SCOPES } from '@latchkey/protocol';
import { type DurableStorage, digestSecret, hashPassword, type ResourceServer } from '@latchkey/storage';

export const API = 'https://api.example.com';
export const REDIRECT_URI = 'https://app.example.com/callback';
export const PASSWORD = 'correct horse battery staple';

const ALL_SCOPES = formatScope([
  ...Object.keys(OIDC_SCOPES),
  ...Object.keys(DATA_SCOPES),
  'organization:read',
]);

export function clientMetadata(overrides: Partial<ClientMetadata> = {}): ClientMetadata {
  return {
    client_name: 'Test client',
    application_type: 'web',
    redirect_uris: [REDIRECT_URI],
    post_logout_redirect_uris: [],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    token_endpoint_auth_method: 'client_secret_basic',
    scope: ALL_SCOPES,
    id_token_signed_response_alg: 'ES256',
    require_pkce: true,
    refresh_without_secret: false,
    ...overrides,
  };
}

export interface RegisteredClient {
  id: string;
  secret: string;
}

export interface Records {
  organizationId: string;
  account: { id: string; email: string };
  resourceServer: ResourceServer;
  /** Of the organisation, unless told. */
  addClient(overrides?: Partial<ClientMetadata>, owner?: string | null): Promise<RegisteredClient>;
}

/** An organisation with an owner, the default API, and clients on demand. */
export async function seed(
  durable: DurableStorage,
  pepper: Buffer,
  api: Partial<ResourceServer> = {},
): Promise<Records> {
  const organizationId = newId('organization');
  const account = { id: newId('account'), email: `${newId('account')}@example.com` };
  await durable.organizations.create({ id: organizationId, name: 'Acme', plan: 'professional' });
  const passwordDigest = await hashPassword(PASSWORD);
  await durable.accounts.create({ ...account, name: 'Ada', passwordDigest, emailVerified: true });
  await durable.organizations.putMember({ organizationId, accountId: account.id, role: 'owner' });
  const resourceServer = await durable.resourceServers.create({
    id: newId('resourceServer'),
    identifier: API,
    name: 'Test API',
    scopes: { ...DATA_SCOPES, 'organization:read': 'See the organisation' },
    tokenFormat: 'jwt',
    tokenTtlSeconds: 3600,
    signingAlgorithm: 'ES256',
    acceptsApiKeys: false,
    isDefault: true,
    introspectionClientId: null,
    ...api,
  });
  const addClient: Records['addClient'] = async (overrides, owner = organizationId) => {
    const id = newId('client');
    await durable.clients.create({
      id,
      organizationId: owner,
      environment: 'test',
      metadata: clientMetadata(overrides),
    });
    return { id, secret: await addSecret(durable, pepper, id) };
  };
  return { organizationId, account, resourceServer, addClient };
}

export async function addSecret(
  durable: DurableStorage,
  pepper: Buffer,
  clientId: string,
  expiresAt: Date | null = null,
): Promise<string> {
  const secret = randomBytes(32).toString('base64url');
  await durable.clients.addSecret({
    id: newId('secret'),
    clientId,
    digest: digestSecret(pepper, secret),
    expiresAt,
  });
  return secret;
}
