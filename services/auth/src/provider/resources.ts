import {
  isScopeToken,
  MANAGEMENT_SCOPES,
  OIDC_SCOPES,
  type Plan,
  parseScope,
  type Role,
} from '@latchkey/protocol';
import type { Client as ClientRecord, DurableStorage, ResourceServer } from '@latchkey/storage';
import {
  type Client,
  errors,
  type KoaContextWithOIDC,
  type ResourceServer as ResourceServerInfo,
} from 'oidc-provider';
import { type GrantWithOrganization, seatAllows } from '../interaction/grant.ts';
import type { LibraryClients } from './clients.ts';
import type { Directory } from './directory.ts';
import type { KeyRing } from './keys.ts';

/** For whom a token is being issued, found while its scopes are settled and put into its claims afterwards. */
export interface Holder {
  organizationId?: string;
  role?: Role;
  plan?: Plan;
}

export interface Resources {
  /** `features.resourceIndicators` (RFC 8707). */
  defaultResource(
    ctx: KoaContextWithOIDC,
    client: Client,
    oneOf?: readonly string[],
  ): Promise<string | string[] | undefined>;
  getResourceServerInfo(
    ctx: KoaContextWithOIDC,
    identifier: string,
    client: Client,
  ): Promise<ResourceServerInfo>;
  /** Of the token that this request issues. */
  holderOf(ctx: KoaContextWithOIDC): Holder | undefined;
}

export interface ResourcesDeps {
  directory: Directory;
  organizations: Pick<DurableStorage['organizations'], 'findMembership'>;
  clients: LibraryClients;
  keyRing: KeyRing;
}

export function createResources({ directory, organizations, clients, keyRing }: ResourcesDeps): Resources {
  const holders = new WeakMap<KoaContextWithOIDC, Holder>();
  const offers = createOffers();

  /** The seat is looked up at every issue: a grant outlives the role it was made under. */
  async function findHolder(ctx: KoaContextWithOIDC, client: ClientRecord): Promise<Holder | undefined> {
    if (isClientCredentials(ctx)) return findClientHolder(directory, client);
    const grant = ctx.oidc.entities.Grant as GrantWithOrganization | undefined;
    if (!grant || ctx.oidc.route !== 'token') return undefined;
    const { accountId } = grant;
    const organizationId = grant.organizationId ?? undefined;
    await directory.waitOutRevocations({ clientId: client.id, accountId, organizationId });
    if (!organizationId || !accountId) return {};
    const seat = await organizations.findMembership(organizationId, accountId);
    if (!seat) throw new errors.InvalidGrant({ detail: 'the account has left the organisation' });
    return { organizationId, role: seat.role, plan: seat.organization.plan };
  }

  return {
    async defaultResource(ctx, _client, oneOf) {
      if (oneOf) return oneOf.length === 1 ? oneOf[0] : [...oneOf];
      const requested = [...ctx.oidc.requestParamScopes];
      // Only who somebody is was asked for: that token is for userinfo, not for an API.
      if (!isClientCredentials(ctx) && requested.length > 0 && requested.every(isOidcScope)) return undefined;
      const servers = await directory.listResourceServers();
      const standard = servers.find(({ isDefault }) => isDefault);
      if (!standard) throw new errors.InvalidTarget();
      return standard.identifier;
    },
    async getResourceServerInfo(ctx, identifier, client) {
      const server = (await directory.listResourceServers()).find((one) => one.identifier === identifier);
      if (!server) throw new errors.InvalidTarget();
      const record = clients.recordOf(client);
      const offered = offers.of(record, server);
      settleRequest(ctx, offered);
      const holder = await findHolder(ctx, record);
      if (holder) holders.set(ctx, holder);
      return describe(
        server,
        offered.filter((scope) => !holder || mayHold(ctx, holder, scope)),
        keyRing,
      );
    },
    holderOf: (ctx) => holders.get(ctx),
  };
}

/** Scopes of a resource server that a client is registered for; worked out once for each pair of records. */
function createOffers(): { of(client: ClientRecord, server: ResourceServer): readonly string[] } {
  const byClient = new WeakMap<ClientRecord, WeakMap<ResourceServer, readonly string[]>>();
  return {
    of(client, server) {
      const offers = byClient.get(client) ?? new WeakMap<ResourceServer, readonly string[]>();
      byClient.set(client, offers);
      const known = offers.get(server);
      if (known) return known;
      const registered = parseScope(client.metadata.scope);
      const offered = Object.keys(server.scopes).filter((scope) => registered.has(scope));
      offers.set(server, offered);
      return offered;
    },
  };
}

async function findClientHolder(directory: Directory, client: ClientRecord): Promise<Holder> {
  const organizationId = client.organizationId ?? undefined;
  await directory.waitOutRevocations({ clientId: client.id, organizationId });
  if (organizationId === undefined) return {};
  const organization = await directory.findOrganization(organizationId);
  if (!organization) throw new errors.UnauthorizedClient('the organisation of this client is disabled');
  return { organizationId, plan: organization.plan };
}

function mayHold(ctx: KoaContextWithOIDC, { organizationId, role }: Holder, scope: string): boolean {
  if (isClientCredentials(ctx)) return true;
  return seatAllows(organizationId && role ? { organizationId, role } : undefined, scope);
}

/**
 * RFC 6749 §3.3: a request without scope gets the default, what the client is registered for except management
 * scopes, which are asked for by name. A client credentials request is for exactly what it names; an authorization
 * request keeps what there is of it, unless that is nothing (OpenID Connect Core §3.1.2.1).
 */
function settleRequest(ctx: KoaContextWithOIDC, offered: readonly string[]): void {
  const { params } = ctx.oidc;
  if (!params || !startsAuthority(ctx)) return;
  const requested = [...ctx.oidc.requestParamScopes];
  if (requested.length === 0) {
    params.scope = offered.filter((scope) => !Object.hasOwn(MANAGEMENT_SCOPES, scope)).join(' ') || undefined;
    return;
  }
  const refused = requested.filter((scope) => !offered.includes(scope) && !isOidcScope(scope));
  const nothingLeft = refused.length === requested.length;
  if (refused.length > 0 && (isClientCredentials(ctx) || nothingLeft)) {
    throw new errors.InvalidScope('requested scope is not allowed', refused.filter(isScopeToken).join(' '));
  }
}

function startsAuthority(ctx: KoaContextWithOIDC): boolean {
  return ctx.oidc.route === 'authorization' || isClientCredentials(ctx);
}

function isClientCredentials(ctx: KoaContextWithOIDC): boolean {
  return ctx.oidc.route === 'token' && ctx.oidc.params?.grant_type === 'client_credentials';
}

function isOidcScope(scope: string): boolean {
  return Object.hasOwn(OIDC_SCOPES, scope);
}

function describe(server: ResourceServer, scopes: string[], keyRing: KeyRing): ResourceServerInfo {
  const wanted = server.signingAlgorithm;
  // A key of that algorithm may not be made yet; ES256 always is.
  const alg = keyRing.current().keys.some(({ algorithm }) => algorithm === wanted) ? wanted : 'ES256';
  return {
    scope: scopes.join(' '),
    audience: server.identifier,
    accessTokenTTL: server.tokenTtlSeconds,
    accessTokenFormat: server.tokenFormat,
    jwt: { sign: { alg } },
  };
}
