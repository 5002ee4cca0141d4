import type { Principal } from '@latchkey/guard';
import { apiKeyPrefix, isId } from '@latchkey/protocol';
import {
  type ApiKeySettings,
  createApiKey,
  deleteApiKey,
  inTransaction,
  type Operator,
  revokeApiKey,
  rotateApiKey,
  updateApiKey,
} from '@latchkey/registry';
import type { ApiKey, Tenant } from '@latchkey/storage';
import { type Call, defineEndpoint, found, param } from '../endpoint.ts';
import {
  type Bounds,
  boundsOf,
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
      handle: async (call) => {
        const { principal, tenant, body } = call;
        const own = await boundsOf(deps, principal);
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
        const made = await createApiKey(operatorOf(deps, call), pepper, { ...place, ...settings });
        return { ...show(deps, made.apiKey), key: made.key };
      },
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
      handle: async (call) => {
        const before = await findKey(deps, call);
        const changes: Partial<ApiKeySettings> = fromWire(defined(call.body));
        requireHeld(call.principal, [...before.scopes, ...(changes.scopes ?? [])]);
        requireWithin(await boundsOf(deps, call.principal), { ...before, ...changes });
        return show(deps, await updateApiKey(operatorOf(deps, call), before.id, changes));
      },
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
      handle: async (call) => {
        const before = await findKey(deps, call);
        requireHeld(call.principal, before.scopes);
        const own = await boundsOf(deps, call.principal);
        requireWithin(own, before);
        const operator = operatorOf(deps, call);
        const overlap = { overlapSeconds: call.body.overlap_seconds };
        return inTransaction(operator, async (within) => {
          const { apiKey, key } = await rotateApiKey(within, pepper, before.id, overlap);
          const kept = await keepWithin(within, call.principal, own, apiKey);
          return { ...show(deps, kept), key };
        });
      },
    }),
  };
}

/**
 * What a rotation made, before it stands: an expiring key could otherwise live on by rotating itself, and the old key
 * may have been widened between the look at it and its rotation, which is then undone.
 */
async function keepWithin(
  operator: Operator,
  principal: Principal,
  own: Bounds,
  made: ApiKey,
): Promise<ApiKey> {
  const expiresAt = latestWithin(own, made.expiresAt);
  requireHeld(principal, made.scopes);
  requireWithin(own, { ...made, expiresAt });
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
