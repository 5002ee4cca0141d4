import type { Environment, Fault } from '@latchkey/protocol';
import type { Client, Place } from '@latchkey/storage';
import { z } from 'zod';
import {
  addClientSecret,
  expireClientSecret,
  type IssuedSecret,
  revokeClientSecret,
  type SecretOptions,
} from './client-secrets.ts';
import { createClient, deleteClient, parseClientMetadata, updateClient, usesSecrets } from './clients.ts';
import { InvalidInputError, NotFoundError, StateError } from './faults.ts';
import { inTransaction, type Operator } from './operator.ts';
import { getOrganization } from './organizations.ts';
import { requestableScopes } from './scopes.ts';

/*
 * What an organisation's own people may do with its OAuth clients, which they call applications. The rules of clients
 * hold; the exceptions that an operator can make do not exist here (PKCE is always required, a refresh needs the
 * secret, keys stand in the record and are fetched from nowhere), and one that an operator made is kept.
 */

/** Each is looked at whenever the application authenticates. */
export const MAX_LIVE_SECRETS = 10;

const text = z.string('must be a string');
const texts = z.array(text, 'must be a list of strings');
const TYPES = ['web', 'spa', 'native', 'machine'] as const;
const AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const;

const members = {
  redirect_uris: texts.optional(),
  post_logout_redirect_uris: texts.optional(),
  /** Every scope it may ask for, space-delimited. */
  scope: text.optional(),
  token_endpoint_auth_method: z
    .enum(AUTH_METHODS, { error: `must be one of ${AUTH_METHODS.join(', ')}` })
    .optional(),
};
const jwks = z.looseObject({ keys: z.array(z.record(z.string(), z.unknown())) }, 'must be a JWK Set');
const links = { client_uri: text, logo_uri: text, policy_uri: text, tos_uri: text };

/** RFC 7591 §2. The grant types follow from `application_type`. */
export const applicationInput = z.strictObject({
  client_name: text,
  application_type: z.enum(TYPES, { error: `must be one of ${TYPES.join(', ')}` }),
  ...members,
  jwks: jwks.optional(),
  ...z.object(links).partial().shape,
});

/** What is left out stays; null takes a link or the keys away. What an application is does not change. */
export const applicationChanges = z.strictObject({
  client_name: text.optional(),
  ...members,
  jwks: jwks.nullable().optional(),
  client_uri: text.nullable().optional(),
  logo_uri: text.nullable().optional(),
  policy_uri: text.nullable().optional(),
  tos_uri: text.nullable().optional(),
});

export type ApplicationInput = z.infer<typeof applicationInput>;
export type ApplicationChanges = z.infer<typeof applicationChanges>;

/** Whose applications somebody manages, and with which data. Any other does not exist for them. */
export interface ApplicationOwner {
  organizationId: string;
  environments: readonly Environment[];
}

export interface IssuedApplication {
  client: Client;
  /** Null where it authenticates by a key, or not at all. */
  secret: IssuedSecret | null;
}

/** Registers an application, with a first secret where it needs one. */
export async function createApplication(
  operator: Operator,
  pepper: Buffer,
  { organizationId, environment }: { organizationId: string; environment: Environment },
  input: ApplicationInput,
): Promise<IssuedApplication> {
  const metadata = parseClientMetadata(input);
  await refuseUnknownScopes(operator, metadata.scope);
  const { disabledAt } = await getOrganization(operator, organizationId);
  if (disabledAt) throw new StateError(`Organisation ${organizationId} is disabled`);
  return inTransaction(operator, async (within) => {
    const { id } = await createClient(within, { organizationId, environment, metadata });
    const secret = usesSecrets(metadata) ? await addClientSecret(within, pepper, id) : null;
    const owner = { organizationId, environments: [environment] };
    return { client: await getApplication(within, owner, id), secret };
  });
}

/**
 * Clients that introspect are the operator's, also where an organisation owns one: a secret of it would read what
 * the tokens of others hold.
 */
export async function getApplication(
  { durable }: Operator,
  { organizationId, environments }: ApplicationOwner,
  id: string,
): Promise<Client> {
  const client = await durable.clients.find(id);
  const theirs = client?.organizationId === organizationId && environments.includes(client.environment);
  if (!theirs || !isApplication(client)) throw new NotFoundError('application', id);
  return client;
}

const INTROSPECTS = 'resource_server';

function isApplication({ metadata }: Client): boolean {
  return metadata.application_type !== INTROSPECTS;
}

/** Newest first; `after` is the last one before, or its place. */
export function listApplications(
  { durable }: Operator,
  place: { organizationId: string; environment: Environment },
  page: { after: Place | undefined; limit: number },
): Promise<Client[]> {
  return durable.clients.listPage({ ...place, except: INTROSPECTS, ...page });
}

export async function updateApplication(
  operator: Operator,
  owner: ApplicationOwner,
  id: string,
  changes: ApplicationChanges,
): Promise<Client> {
  await getApplication(operator, owner, id);
  if (changes.scope !== undefined) await refuseUnknownScopes(operator, changes.scope);
  const named = Object.entries(changes).filter(([, value]) => value !== undefined);
  return updateClient(operator, id, ({ metadata }) => {
    const merged = Object.entries({ ...metadata, ...Object.fromEntries(named) });
    return {
      metadata: parseClientMetadata(Object.fromEntries(merged.filter(([, value]) => value !== null))),
    };
  });
}

/** Ends everything it holds as well. */
export async function deleteApplication(
  operator: Operator,
  owner: ApplicationOwner,
  id: string,
): Promise<void> {
  await getApplication(operator, owner, id);
  await deleteClient(operator, id);
}

/** @throws {StateError} when it has as many secrets as it may */
export async function addApplicationSecret(
  operator: Operator,
  pepper: Buffer,
  owner: ApplicationOwner,
  id: string,
  { expiresAt, othersExpireAt }: Pick<SecretOptions, 'expiresAt' | 'othersExpireAt'> = {},
): Promise<IssuedSecret> {
  await getApplication(operator, owner, id);
  return addClientSecret(operator, pepper, id, { expiresAt, othersExpireAt, maxLive: MAX_LIVE_SECRETS });
}

export async function expireApplicationSecret(
  operator: Operator,
  owner: ApplicationOwner,
  id: string,
  secretId: string,
  at: Date,
): Promise<void> {
  await getApplication(operator, owner, id);
  await expireClientSecret(operator, id, secretId, at);
}

export async function revokeApplicationSecret(
  operator: Operator,
  owner: ApplicationOwner,
  id: string,
  secretId: string,
): Promise<void> {
  await getApplication(operator, owner, id);
  await revokeClientSecret(operator, id, secretId);
}

async function refuseUnknownScopes({ durable }: Operator, scope: string): Promise<void> {
  const known = requestableScopes(await durable.resourceServers.list());
  const unknown = scope.split(' ').filter((name) => name !== '' && !known.has(name));
  const faults: Fault[] = unknown.map((name) => ({
    field: 'scope',
    message: `${name} is no scope there is`,
  }));
  if (faults.length > 0) throw new InvalidInputError(faults);
}
