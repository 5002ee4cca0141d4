import { parseScope } from '@latchkey/protocol';
import { clientId, getApplication } from '@latchkey/registry';
import type { Client, ClientSecret } from '@latchkey/storage';
import { type Call, found, param } from '../endpoint.ts';
import { type Giver, giving } from '../giver.ts';
import { environmentsOf, requireHeldForApplication, requireUnbounded } from '../granting.ts';
import { operatorOf } from '../operator.ts';
import type { RouteDeps } from '../route-table.ts';
import { toWire } from '../wire.ts';

type Placed = Call<unknown, unknown>;

export const ownerOf = ({ tenant }: Placed) => ({
  organizationId: tenant.organizationId,
  environments: environmentsOf(tenant),
});

export const isClientId = (id: string) => clientId.safeParse(id).success;

/** One out of the credential's reach looks like none. */
export async function findApplication(deps: RouteDeps, call: Placed): Promise<Client> {
  const id = param(call, 'id');
  return getApplication(operatorOf(deps, call), ownerOf(call), found(isClientId(id) ? id : undefined));
}

/**
 * Works on one that may do no more than who asks, while nobody else can change it: a changed redirect URI or a new secret
 * hands on all it may do.
 */
export async function withGivable<T>(
  deps: RouteDeps,
  call: Placed,
  work: (giver: Giver, client: Client) => Promise<T>,
): Promise<T> {
  const { id } = await findApplication(deps, call);
  return giving(deps, call, async (giver) => {
    await giver.operator.durable.clients.lock(id);
    const client = await findApplication(giver.deps, call);
    requireHeldForApplication(giver.principal, parseScope(client.metadata.scope));
    requireUnbounded(giver.bounds);
    return work(giver, client);
  });
}

export function showApplication({
  organizationId,
  metadata,
  secrets,
  ...row
}: Client): Record<string, unknown> {
  const { client_uri, logo_uri, policy_uri, tos_uri, jwks } = metadata;
  return {
    ...toWire(row),
    client_id: row.id,
    client_name: metadata.client_name,
    application_type: metadata.application_type,
    redirect_uris: metadata.redirect_uris,
    post_logout_redirect_uris: metadata.post_logout_redirect_uris,
    grant_types: metadata.grant_types,
    token_endpoint_auth_method: metadata.token_endpoint_auth_method,
    scope: metadata.scope,
    jwks: jwks ?? null,
    client_uri: client_uri ?? null,
    logo_uri: logo_uri ?? null,
    policy_uri: policy_uri ?? null,
    tos_uri: tos_uri ?? null,
    secrets: secrets.map(showSecret),
  };
}

export function showSecret({ id, createdAt, expiresAt: ends }: ClientSecret): Record<string, unknown> {
  return { id, created_at: createdAt.toISOString(), expires_at: ends?.toISOString() ?? null };
}
