import { OIDC_SCOPES, parseScope } from '@latchkey/protocol';
import type { Client as ClientRecord } from '@latchkey/storage';
import Provider, { type AllClientMetadata, type Client } from 'oidc-provider';
import type { Directory } from './directory.ts';

/** What the library demands of a client with a secret, and never sees compared (`client-secrets.ts`). */
const SECRET_PLACEHOLDER = 'kept-as-digests';

/** What the library has to know about a client. */
export function toLibraryMetadata({ id, metadata }: ClientRecord): AllClientMetadata {
  const { application_type, grant_types, token_endpoint_auth_method } = metadata;
  const { client_uri, logo_uri, policy_uri, tos_uri, jwks, jwks_uri } = metadata;
  return {
    client_id: id,
    client_name: metadata.client_name,
    application_type: application_type === 'native' ? 'native' : 'web',
    grant_types,
    response_types: grant_types.includes('authorization_code') ? ['code'] : [],
    redirect_uris: metadata.redirect_uris,
    post_logout_redirect_uris: metadata.post_logout_redirect_uris,
    token_endpoint_auth_method,
    ...(token_endpoint_auth_method.startsWith('client_secret') && { client_secret: SECRET_PLACEHOLDER }),
    id_token_signed_response_alg: metadata.id_token_signed_response_alg,
    scope: oidcScopes(metadata.scope),
    client_uri,
    logo_uri,
    policy_uri,
    tos_uri,
    jwks,
    jwks_uri,
  };
}

/**
 * The library knows OpenID Connect scopes alone (resource scopes: `resources.ts`), and takes an empty list for no
 * restriction. `offline_access` grants nothing here, so it stands for "none of them".
 */
function oidcScopes(scope: string): string {
  const allowed = [...parseScope(scope)].filter((name) => Object.hasOwn(OIDC_SCOPES, name));
  return allowed.join(' ') || 'offline_access';
}

export function isConfidential({ metadata }: ClientRecord): boolean {
  return metadata.token_endpoint_auth_method !== 'none';
}

export interface LibraryClients {
  /** The record behind the library's client. */
  recordOf(client: Client): ClientRecord;
}

/**
 * Answers the library's client look-ups from the directory. Its own way hashes the metadata on every request and
 * keeps a hundred clients; this one keeps a client as long as its record stays the same.
 */
export function installClients(provider: Provider, directory: Directory): LibraryClients {
  const models = new WeakMap<ClientRecord, Client>();
  const records = new WeakMap<Client, ClientRecord>();
  const ClientModel = provider.Client as unknown as (new (
    metadata: AllClientMetadata,
  ) => Client) &
    typeof provider.Client;

  ClientModel.find = async (id) => {
    const record = typeof id === 'string' && id !== '' ? await directory.findClient(id) : undefined;
    if (!record) return undefined;
    const known = models.get(record);
    if (known) return known;
    const model = new ClientModel(toLibraryMetadata(record));
    models.set(record, model);
    records.set(model, record);
    return model;
  };

  const recordOf = (client: Client): ClientRecord => {
    const record = records.get(client);
    if (!record) throw new Error(`client ${client.clientId} did not come from the directory`);
    return record;
  };
  installRefreshWithoutSecret(ClientModel, records);
  return { recordOf };
}

/**
 * The published client code refreshes with its `client_id` alone. For clients registered with
 * `refresh_without_secret` such a request, and no other, is treated as a public client's. Threat: a stolen refresh
 * token is usable without the secret; what protects it is what protects public clients, rotation with reuse
 * detection (RFC 9700 §4.14.2). A request that does bring a credential must bring the right one.
 */
function installRefreshWithoutSecret(
  ClientModel: Provider['Client'],
  records: WeakMap<Client, ClientRecord>,
): void {
  Object.defineProperty(ClientModel.prototype, 'clientAuthMethod', {
    configurable: true,
    get(this: Client) {
      const exempt = records.get(this)?.metadata.refresh_without_secret === true;
      return exempt && isBareRefresh() ? 'none' : this.tokenEndpointAuthMethod;
    },
  });
}

function isBareRefresh(): boolean {
  const ctx = Provider.ctx;
  if (ctx?.oidc.route !== 'token') return false;
  const params = ctx.oidc.params ?? {};
  return (
    params.grant_type === 'refresh_token' &&
    params.client_secret === undefined &&
    params.client_assertion === undefined &&
    ctx.headers.authorization === undefined
  );
}
