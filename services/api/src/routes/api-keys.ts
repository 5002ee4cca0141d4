import { apiKeyPrefix, isId } from '@latchkey/protocol';
import {
  type ApiKeySettings,
  createApiKey,
  deleteApiKey,
  type Operator,
  revokeApiKey,
  rotateApiKey,
  updateApiKey,
} from '@latchkey/registry';
import type { ApiKey, Tenant } from '@latchkey/storage';
import { type Call, defineEndpoint, found, param } from '../endpoint.ts';
import { type Giver, giving } from '../giver.ts';
import {
  type Bounds,
  environmentFor,
  environmentsOf,
  heldDefaults,
  latestWithin,
  requireHeld,
  requireWithin,
} from '../granting.ts';
import { listQuery, pageOf, placeCursors, turnPage } from '../listing.ts';
import { operatorOf } from '../operator.ts';
import type { RouteDeps } from '../route-table.ts';
import { defined, fromWire, toWire } from '../wire.ts';
import {
  type API_KEY_STATES,
  apiKey,
  create,
  environment,
  issued,
  nothing,
  rotate,
  update,
} from './api-key-schemas.ts';

const tag = 'API keys';

export function createApiKeyEndpoints(deps: RouteDeps) {
  return {
    ...readingEndpoints(deps),
    ...creatingEndpoints(deps),
    ...changingEndpoints(deps),
    ...endingEndpoints(deps),
  };
}

const answer = (status: 200 | 201) => ({ name: 'ApiKey', schema: apiKey, status });
const issuedAnswer = { name: 'IssuedApiKey', schema: issued, status: 201 } as const;

function readingEndpoints(deps: RouteDeps) {
  return {
    list: defineEndpoint({
      id: 'listApiKeys',
      summary: 'List API keys',
      description: 'Keys that have ended stay in the list until they are deleted.',
      tag,
      query: listQuery({ environment: environment.describe('Default: that of your credential') }),
      answer: { name: 'ApiKeyList', schema: pageOf(apiKey), status: 200 },
      handle: ({ tenant, query }) => {
        const filter = {
          organizationId: tenant.organizationId,
          environment: environmentFor(tenant, query.environment),
        };
        return turnPage({
          asked: query,
          cursors: placeCursors((id) => isId('apiKey', id)),
          list: (rows) => deps.durable.apiKeys.list({ ...filter, ...rows }),
          show: (row) => show(deps, row),
        });
      },
    }),
    get: defineEndpoint({
      id: 'getApiKey',
      summary: 'Get an API key',
      tag,
      answer: answer(200),
      handle: async (call) => show(deps, await findKey(deps, call)),
    }),
  };
}

function creatingEndpoints(deps: RouteDeps) {
  const { pepper } = deps;
  return {
    create: defineEndpoint({
      id: 'createApiKey',
      summary: 'Create an API key',
      description:
        'The answer holds the key, once. A key can do no more than who makes it: its scopes are among yours, and ' +
        'one that an API key makes keeps within its addresses, expiry and limit.',
      tag,
      body: create,
      answer: issuedAnswer,
      handle: (call) =>
        giving(deps, call, async ({ operator, principal, bounds: own }) => {
          const { tenant, body } = call;
          if (body.scopes) requireHeld(principal, body.scopes);
          const settings = {
            name: body.name,
            scopes: body.scopes ?? heldDefaults(principal),
            ipAllowlist: body.ip_allowlist ?? own.ipAllowlist,
            expiresAt: body.expires_at === undefined ? own.expiresAt : body.expires_at,
            rateLimit: body.rate_limit === undefined ? own.rateLimit : body.rate_limit,
          };
          requireWithin(own, settings);
          const place = {
            organizationId: tenant.organizationId,
            environment: environmentFor(tenant, body.environment),
          };
          const made = await createApiKey(operator, pepper, { ...place, ...settings });
          return { ...show(deps, made.apiKey), key: made.key };
        }),
    }),
  };
}

function changingEndpoints(deps: RouteDeps) {
  const { pepper } = deps;
  return {
    update: defineEndpoint({
      id: 'updateApiKey',
      summary: 'Change an API key',
      description: 'You must hold every scope that it has, and every one that it gets.',
      tag,
      body: update,
      answer: answer(200),
      conflict: 'The key is revoked or has expired',
      handle: (call) =>
        changing(deps, call, async ({ operator, principal, bounds }, before) => {
          const changes: Partial<ApiKeySettings> = fromWire(defined(call.body));
          requireHeld(principal, [...before.scopes, ...(changes.scopes ?? [])]);
          requireWithin(bounds, { ...before, ...changes });
          return show(deps, await updateApiKey(operator, before.id, changes));
        }),
    }),
    rotate: defineEndpoint({
      id: 'rotateApiKey',
      summary: 'Rotate an API key',
      description:
        'Puts a new key with the same settings in its place; an expiry is carried over as a length of life, and never ' +
        'beyond that of an API key that asks. The answer holds the new key, once. You must hold every scope that it has.',
      tag,
      body: rotate,
      answer: issuedAnswer,
      location: '/api-keys',
      conflict: 'The key is revoked, has expired, or was rotated already',
      handle: (call) =>
        changing(deps, call, async ({ operator, principal, bounds }, before) => {
          requireHeld(principal, before.scopes);
          requireWithin(bounds, before);
          const overlap = { overlapSeconds: call.body.overlap_seconds };
          const { apiKey, key } = await rotateApiKey(operator, pepper, before.id, overlap);
          return { ...show(deps, await keepWithin(operator, bounds, apiKey)), key };
        }),
    }),
  };
}

/** With the key that is asked for, as it is while nobody else can change it. */
async function changing<T>(
  deps: RouteDeps,
  call: Call<unknown, unknown>,
  work: (giver: Giver, before: ApiKey) => Promise<T>,
): Promise<T> {
  const target = await findKey(deps, call);
  return giving(deps, call, async (giver) => work(giver, await findKey(giver.deps, call)), target);
}

/** What a rotation made: an expiring key could otherwise live on by rotating itself. */
async function keepWithin(operator: Operator, own: Bounds, made: ApiKey): Promise<ApiKey> {
  const expiresAt = latestWithin(own, made.expiresAt);
  return expiresAt === made.expiresAt ? made : updateApiKey(operator, made.id, { expiresAt });
}

/** Ending a key gives nobody anything: whoever may manage keys may end each. */
function endingEndpoints(deps: RouteDeps) {
  return {
    revoke: defineEndpoint({
      id: 'revokeApiKey',
      summary: 'Revoke an API key',
      description: 'At once and for good. Doing it again changes nothing. The record stays.',
      tag,
      body: nothing,
      answer: answer(200),
      handle: async (call) => {
        const { id } = await findKey(deps, call);
        return show(deps, await revokeApiKey(operatorOf(deps, call), id));
      },
    }),
    remove: defineEndpoint({
      id: 'deleteApiKey',
      summary: 'Delete an API key',
      description: 'Revokes it first. Audit log and usage still name it.',
      tag,
      answer: { status: 204 },
      handle: async (call) => {
        const { id } = await findKey(deps, call);
        await deleteApiKey(operatorOf(deps, call), id);
      },
    }),
  };
}

/** A key out of the credential's reach looks like none. */
async function findKey(
  { durable }: RouteDeps,
  call: Pick<Call<unknown, unknown>, 'params' | 'tenant'>,
): Promise<ApiKey> {
  const id = param(call, 'id');
  const row = isId('apiKey', id) ? await durable.apiKeys.find(id) : undefined;
  return found(row && isReached(row, call.tenant) ? row : undefined);
}

function isReached({ organizationId, environment }: ApiKey, tenant: Tenant): boolean {
  return organizationId === tenant.organizationId && environmentsOf(tenant).includes(environment);
}

function show({ now }: RouteDeps, row: ApiKey): Record<string, unknown> {
  const { organizationId, digest, createdBy, ...shown } = row;
  return {
    ...toWire(shown),
    prefix: apiKeyPrefix(row),
    state: stateOf(row, now?.() ?? new Date()),
    created_by: { type: createdBy.type, id: createdBy.id },
  };
}

function stateOf({ revokedAt, expiresAt, successorId }: ApiKey, now: Date): (typeof API_KEY_STATES)[number] {
  if (revokedAt) return 'revoked';
  if (expiresAt && expiresAt <= now) return 'expired';
  return successorId === null || expiresAt === null ? 'active' : 'expiring';
}
