import type { Principal } from '@latchkey/guard';
import { ENVIRONMENTS, OIDC_SCOPES, parseScope } from '@latchkey/protocol';
import {
  type ApplicationInput,
  applicationChanges,
  applicationInput,
  createApplication,
  deleteApplication,
  listApplications,
  updateApplication,
} from '@latchkey/registry';
import { z } from 'zod';
import { defineEndpoint } from '../endpoint.ts';
import { isoInstant, stamps } from '../fields.ts';
import { giving } from '../giver.ts';
import { environmentFor, heldDefaults, requireHeldForApplication, requireUnbounded } from '../granting.ts';
import { listQuery, pageOf, placeCursors, turnPage } from '../listing.ts';
import { operatorOf } from '../operator.ts';
import type { RouteDeps } from '../route-table.ts';
import { findApplication, isClientId, ownerOf, showApplication, withGivable } from './application-records.ts';
import { createApplicationSecretEndpoints, secret } from './application-secrets.ts';

const tag = 'Applications';

const environment = z.enum(ENVIRONMENTS);
const link = z.string().nullable();

/** What the members of an application are, in requests and in answers. */
const about = {
  client_name: 'What people read when they are asked to let it in',
  application_type:
    '`web`: on a server, with a secret; `spa`: in a browser; `native`: on a device; `machine`: on its own behalf, ' +
    'without people. It does not change',
  redirect_uris:
    'Where people come back to after signing in, compared exactly. https, or http on the person’s own machine; a `native` one may ' +
    'have a scheme of its own. None for a `machine`',
  post_logout_redirect_uris: 'Where people may come back to after signing out, compared exactly',
  token_endpoint_auth_method:
    'How it proves at the token endpoint who it is: by its secret in a header or in the body, by a signature of one ' +
    'of its `jwks`, or not at all (`none`)',
  scope: 'Every scope it may ask for, space-delimited',
  jwks: 'Its public keys, for `private_key_jwt`',
  client_uri: 'Its home page, shown to people, as https',
  logo_uri: 'Its logo, shown to people, as https',
  policy_uri: 'Its privacy policy, shown to people, as https',
  tos_uri: 'Its terms of service, shown to people, as https',
};

const application = z.object({
  ...stamps,
  client_id: z.string().describe('The same as `id`, under the name that OAuth requests have for it'),
  environment: environment.describe('Whether its tokens reach live or test records'),
  client_name: z.string().describe(about.client_name),
  application_type: z.string().describe(about.application_type),
  redirect_uris: z.array(z.string()).describe(about.redirect_uris),
  post_logout_redirect_uris: z.array(z.string()).describe(about.post_logout_redirect_uris),
  grant_types: z.array(z.string()).describe('They follow from `application_type`'),
  token_endpoint_auth_method: z.string().describe(about.token_endpoint_auth_method),
  scope: z.string().describe(about.scope),
  jwks: z.record(z.string(), z.unknown()).nullable().describe(about.jwks),
  client_uri: link.describe(about.client_uri),
  logo_uri: link.describe(about.logo_uri),
  policy_uri: link.describe(about.policy_uri),
  tos_uri: link.describe(about.tos_uri),
  secrets: z.array(secret).describe('Those that live, oldest first, without their values'),
  disabled_at: isoInstant().nullable().describe('While it is set, the operator has disabled it'),
});

const registered = application.extend({
  client_secret: z
    .string()
    .nullable()
    .describe('Its first secret, in this answer alone; null where it authenticates by a key or not at all'),
});

/** Public keys (RFC 7517), whose members are texts and lists of them. */
const jwks = z.strictObject({
  keys: z.array(z.record(z.string(), z.union([z.string(), z.array(z.string())]))),
});

/** The registry's rules, with the words of the document. */
function described<Shape extends Record<string, z.ZodType>>(shape: Shape): Shape {
  const fields = Object.entries(shape);
  const words: Record<string, string> = about;
  return Object.fromEntries(
    fields.map(([name, field]) => [name, field.describe(words[name] ?? '')]),
  ) as unknown as Shape;
}

const create = z.strictObject({
  ...described({ ...applicationInput.shape, jwks: jwks.optional() }),
  environment: environment.optional().describe('Default: that of your credential'),
});
const update = z.strictObject(described({ ...applicationChanges.shape, jwks: jwks.nullable().optional() }));

export function createApplicationEndpoints(deps: RouteDeps) {
  return {
    ...readingEndpoints(deps),
    ...registeringEndpoints(deps),
    ...changingEndpoints(deps),
    ...createApplicationSecretEndpoints(deps),
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
      handle: (call) => {
        const { tenant, query } = call;
        const place = {
          organizationId: tenant.organizationId,
          environment: environmentFor(tenant, query.environment),
        };
        return turnPage({
          asked: query,
          cursors: placeCursors(isClientId),
          list: (rows) => listApplications(operatorOf(deps, call), place, rows),
          show: showApplication,
        });
      },
    }),
    get: defineEndpoint({
      id: 'getApplication',
      summary: 'Get an application',
      tag,
      answer,
      handle: async (call) => showApplication(await findApplication(deps, call)),
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
      handle: (call) =>
        giving(deps, call, async ({ operator, principal, bounds }) => {
          const { tenant } = call;
          const { environment: asked, ...body } = call.body;
          requireUnbounded(bounds);
          const input = { ...body, scope: body.scope ?? defaultScope(principal, body.application_type) };
          requireHeldForApplication(principal, parseScope(input.scope));
          const place = {
            organizationId: tenant.organizationId,
            environment: environmentFor(tenant, asked),
          };
          const made = await createApplication(operator, deps.pepper, place, input);
          return { ...showApplication(made.client), client_secret: made.secret?.secret ?? null };
        }),
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
      handle: (call) =>
        withGivable(deps, call, async ({ operator, principal }, { id }) => {
          requireHeldForApplication(principal, parseScope(call.body.scope));
          return showApplication(await updateApplication(operator, ownerOf(call), id, call.body));
        }),
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

function defaultScope(principal: Principal, type: ApplicationInput['application_type']): string {
  const oidc = type === 'machine' ? [] : Object.keys(OIDC_SCOPES);
  return [...oidc, ...heldDefaults(principal)].join(' ');
}
