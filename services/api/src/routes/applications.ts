import { ENVIRONMENTS, isId, OIDC_SCOPES, parseScope } from '@latchkey/protocol';
import {
  addApplicationSecret,
  applicationChanges,
  applicationInput,
  clientId,
  createApplication,
  deleteApplication,
  expireApplicationSecret,
  expiresAt,
  getApplication,
  isApplication,
  revokeApplicationSecret,
  updateApplication,
} from '@latchkey/registry';
import type { Client, ClientSecret } from '@latchkey/storage';
import { z } from 'zod';
import { type Call, defineEndpoint, found, param } from '../endpoint.ts';
import { isoInstant, stamps } from '../fields.ts';
import {
  boundsOf,
  environmentFor,
  environmentsOf,
  heldDefaults,
  requireHeld,
  requireUnbounded,
} from '../granting.ts';
import { listQuery, pageOf, turnPage } from '../listing.ts';
import { operatorOf } from '../operator.ts';
import type { RouteDeps } from '../route-table.ts';
import { toWire } from '../wire.ts';

const tag = 'Applications';

const environment = z.enum(ENVIRONMENTS);
const link = z.string().nullable();

const secret = z.object({ id: z.string(), created_at: isoInstant(), expires_at: isoInstant().nullable() });

const application = z.object({
  ...stamps,
  id: stamps.id.describe('The `client_id` in OAuth requests'),
  environment,
  client_name: z.string(),
  application_type: z.string(),
  redirect_uris: z.array(z.string()),
  post_logout_redirect_uris: z.array(z.string()),
  grant_types: z.array(z.string()),
  token_endpoint_auth_method: z.string(),
  scope: z.string().describe('Every scope it may ask for, space-delimited'),
  jwks: z.record(z.string(), z.unknown()).nullable(),
  client_uri: link,
  logo_uri: link,
  policy_uri: link,
  tos_uri: link,
  secrets: z.array(secret).describe('Those that live, oldest first, without their values'),
  disabled_at: isoInstant().nullable().describe('While it is set, the operator has disabled it'),
});

const registered = application.extend({
  client_secret: z
    .string()
    .nullable()
    .describe('Its first secret, in this answer alone; null where it authenticates by a key or not at all'),
});

const issuedSecret = z.object({
  id: z.string(),
  client_secret: z.string().describe('The secret itself. It is shown in this answer alone'),
  expires_at: isoInstant().nullable(),
});

/** Public keys (RFC 7517), whose members are texts and lists of them. */
const jwks = z.strictObject({
  keys: z.array(z.record(z.string(), z.union([z.string(), z.array(z.string())]))),
});

const create = applicationInput.extend({
  environment: environment.optional().describe('Default: that of your credential'),
  jwks: jwks.optional().describe('Public keys, for `private_key_jwt`'),
});
const update = applicationChanges.extend({ jwks: jwks.nullable().optional() });

const addSecret = z
  .strictObject({
    expires_at: expiresAt.optional().describe('Default: never'),
    others_expire_at: expiresAt.optional().describe('Makes it a rotation: every other secret ends then'),
  })
  .prefault({});
const changeSecret = z.strictObject({ expires_at: expiresAt });

export function createApplicationEndpoints(deps: RouteDeps) {
  return {
    ...readingEndpoints(deps),
    ...registeringEndpoints(deps),
    ...changingEndpoints(deps),
    ...newSecretEndpoints(deps),
    ...endingSecretEndpoints(deps),
  };
}

const answer = { name: 'Application', schema: application, status: 200 } as const;

function readingEndpoints(deps: RouteDeps) {
  return {
    list: defineEndpoint({
      id: 'listApplications',
      summary: 'List applications',
      tag,
      query: listQuery({ environment: environment.describe('Default: that of your credential') }),
      answer: { name: 'ApplicationList', schema: pageOf(application), status: 200 },
      handle: ({ tenant, query }) => {
        const filter = {
          organizationId: tenant.organizationId,
          environment: environmentFor(tenant, query.environment),
        };
        return turnPage({
          asked: query,
          isRowId: isClientId,
          list: (rows) => deps.durable.clients.listPage({ ...filter, ...rows }),
          isShown: isApplication,
          show,
        });
      },
    }),
    get: defineEndpoint({
      id: 'getApplication',
      summary: 'Get an application',
      tag,
      answer,
      handle: async (call) => show(await findApplication(deps, call)),
    }),
  };
}

function registeringEndpoints(deps: RouteDeps) {
  return {
    create: defineEndpoint({
      id: 'createApplication',
      summary: 'Create an application',
      description:
        'An OAuth client of your organization, in the words of RFC 7591. Its scopes must be among yours; without ' +
        '`scope` it gets those of the ten data scopes that you hold. One that keeps secrets gets its first in the answer.',
      tag,
      body: create,
      answer: { name: 'RegisteredApplication', schema: registered, status: 201 },
      handle: async (call) => {
        const { principal, tenant } = call;
        const { environment: asked, ...body } = call.body;
        requireUnbounded(await boundsOf(deps.durable, principal));
        const input = { ...body, scope: body.scope ?? defaultScope(call) };
        requireHeld(principal, parseScope(input.scope));
        const place = {
          organizationId: tenant.organizationId,
          environment: environmentFor(tenant, asked),
        };
        const made = await createApplication(operatorOf(deps, call), deps.pepper, place, input);
        return { ...show(made.client), client_secret: made.secret?.secret ?? null };
      },
    }),
  };
}

function changingEndpoints(deps: RouteDeps) {
  return {
    update: defineEndpoint({
      id: 'updateApplication',
      summary: 'Change an application',
      description:
        'You must hold every scope that it has, and every one that it gets. Null takes a link away.',
      tag,
      body: update,
      answer,
      handle: async (call) => {
        const { id } = await findGivable(deps, call);
        requireHeld(call.principal, parseScope(call.body.scope));
        return show(await updateApplication(operatorOf(deps, call), ownerOf(call), id, call.body));
      },
    }),
    remove: defineEndpoint({
      id: 'deleteApplication',
      summary: 'Delete an application',
      description: 'With its secrets and everything that was issued to it.',
      tag,
      answer: { status: 204 },
      handle: async (call) => {
        const { id } = await findApplication(deps, call);
        await deleteApplication(operatorOf(deps, call), ownerOf(call), id);
      },
    }),
  };
}

function newSecretEndpoints(deps: RouteDeps) {
  return {
    addSecret: defineEndpoint({
      id: 'createApplicationSecret',
      summary: 'Add a secret to an application',
      description: 'The answer holds the secret, once. You must hold every scope of the application.',
      tag,
      body: addSecret,
      answer: { name: 'IssuedApplicationSecret', schema: issuedSecret, status: 201 },
      conflict: 'The application has as many secrets as it may have',
      handle: async (call) => {
        const { id } = await findGivable(deps, call);
        const { expires_at, others_expire_at } = call.body;
        const ends = { expiresAt: expires_at, othersExpireAt: others_expire_at };
        const made = await addApplicationSecret(operatorOf(deps, call), deps.pepper, ownerOf(call), id, ends);
        return {
          id: made.id,
          client_secret: made.secret,
          expires_at: made.expiresAt?.toISOString() ?? null,
        };
      },
    }),
  };
}

function endingSecretEndpoints(deps: RouteDeps) {
  return {
    changeSecret: defineEndpoint({
      id: 'updateApplicationSecret',
      summary: 'Set when a secret ends',
      tag,
      body: changeSecret,
      answer: { name: 'ApplicationSecret', schema: secret, status: 200 },
      handle: async (call) => {
        const { id } = await findGivable(deps, call);
        const operator = operatorOf(deps, call);
        const secretId = secretIdOf(call);
        await expireApplicationSecret(operator, ownerOf(call), id, secretId, call.body.expires_at);
        const { secrets } = await getApplication(operator, ownerOf(call), id);
        return showSecret(found(secrets.find((row) => row.id === secretId)));
      },
    }),
    removeSecret: defineEndpoint({
      id: 'revokeApplicationSecret',
      summary: 'Revoke a secret of an application',
      description: 'At once. Access tokens that it obtained live on until they expire.',
      tag,
      answer: { status: 204 },
      handle: async (call) => {
        const { id } = await findApplication(deps, call);
        await revokeApplicationSecret(operatorOf(deps, call), ownerOf(call), id, secretIdOf(call));
      },
    }),
  };
}

type Placed = Call<unknown, unknown>;

const ownerOf = ({ tenant }: Placed) => ({
  organizationId: tenant.organizationId,
  environments: environmentsOf(tenant),
});

const isClientId = (id: string) => clientId.safeParse(id).success;

function secretIdOf(call: Placed): string {
  const id = param(call, 'secret_id');
  return found(isId('secret', id) ? id : undefined);
}

/** One out of the credential's reach looks like none. */
async function findApplication(deps: RouteDeps, call: Placed): Promise<Client> {
  const id = param(call, 'id');
  return getApplication(operatorOf(deps, call), ownerOf(call), found(isClientId(id) ? id : undefined));
}

/** One that may do no more than who asks: a changed redirect URI or a new secret hands on all it may do. */
async function findGivable(deps: RouteDeps, call: Placed): Promise<Client> {
  const client = await findApplication(deps, call);
  requireHeld(call.principal, parseScope(client.metadata.scope));
  requireUnbounded(await boundsOf(deps.durable, call.principal));
  return client;
}

function defaultScope({ principal, body }: Call<unknown, z.infer<typeof create>>): string {
  const oidc = body.application_type === 'machine' ? [] : Object.keys(OIDC_SCOPES);
  return [...oidc, ...heldDefaults(principal)].join(' ');
}

function show({ organizationId, metadata, secrets, ...row }: Client): Record<string, unknown> {
  const { client_uri, logo_uri, policy_uri, tos_uri, jwks } = metadata;
  return {
    ...toWire(row),
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

function showSecret({ id, createdAt, expiresAt: ends }: ClientSecret): Record<string, unknown> {
  return { id, created_at: createdAt.toISOString(), expires_at: ends?.toISOString() ?? null };
}
