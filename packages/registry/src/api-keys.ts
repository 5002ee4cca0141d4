import { type Environment, type Fault, mintApiKey, type NewApiKey } from '@latchkey/protocol';
import { type ApiKey, digestSecret, type NewApiKeyRecord, type RotatedApiKey } from '@latchkey/storage';
import { z } from 'zod';
import { getApiKey, lockApiKey, recordApiKeyChange, writeApiKey } from './api-key-records.ts';
import { findExpiryFaults, MAX_LIFE_MS } from './expiry.ts';
import { InvalidInputError, parseInput, StateError } from './faults.ts';
import { apiKeyName, apiKeyScopes, ipAllowlist, rateLimit } from './inputs.ts';
import { inTransaction, type Operator } from './operator.ts';
import { getOrganization } from './organizations.ts';
import { grantableScopes } from './scopes.ts';

/*
 * A key belongs to its organisation, not to the person who made it: it outlives that person's seat, and whoever may
 * manage the organisation's keys may end it. Whether somebody may hand on the scopes of a key is for the caller to
 * ask (`missingScopes`), when a key is made, given scopes, or rotated: who rotates a key gets to hold it.
 */

export const MAX_OVERLAP_SECONDS = 30 * 86_400;

export type ApiKeySettings = Pick<ApiKey, 'name' | 'scopes' | 'ipAllowlist' | 'rateLimit' | 'expiresAt'>;

export interface ApiKeyInput extends ApiKeySettings {
  organizationId: string;
  environment: Environment;
}

/** A key as it is handed over, which happens once. */
export interface IssuedApiKey {
  apiKey: ApiKey;
  /** The whole key. */
  key: string;
}

export type ApiKeyState = 'active' | 'expired' | 'revoked';

/** Whether it may still be used. */
export function apiKeyState({ revokedAt, expiresAt }: ApiKey, now: Date): ApiKeyState {
  if (revokedAt) return 'revoked';
  return expiresAt && expiresAt <= now ? 'expired' : 'active';
}

/** @throws {StateError} when the organisation is disabled */
export async function createApiKey(
  operator: Operator,
  pepper: Buffer,
  { organizationId, environment, ...settings }: ApiKeyInput,
): Promise<IssuedApiKey> {
  const checked = await checkSettings(operator, settings);
  await refuseDisabled(operator, organizationId);
  const minted = mintApiKey(environment);
  const record = toRecord(operator, pepper, minted, { organizationId, environment, ...checked });
  return inTransaction(operator, async (within) => {
    const apiKey = await within.durable.apiKeys.create(record);
    await within.announce({ type: 'api_key', id: apiKey.id });
    await recordCreation(within, apiKey);
    return { apiKey, key: minted.key };
  });
}

const PAGE = 500;

/** Every key of an organisation, newest first, ended ones too. */
export async function listApiKeys(
  { durable }: Operator,
  place: { organizationId: string; environment?: Environment },
): Promise<ApiKey[]> {
  const keys: ApiKey[] = [];
  for (;;) {
    const page = await durable.apiKeys.list({ ...place, after: keys.at(-1), limit: PAGE });
    keys.push(...page);
    if (page.length < PAGE) return keys;
  }
}

/** @throws {StateError} when the key is revoked or has expired: it would come back to life */
export async function updateApiKey(
  operator: Operator,
  id: string,
  changes: Partial<ApiKeySettings>,
): Promise<ApiKey> {
  const checked = await checkSettings(operator, changes);
  const changed = Object.keys(checked).map((name) => WIRE_NAMES[name as keyof ApiKeySettings]);
  return inTransaction(operator, async (within) => {
    refuseEnded(within, await lockApiKey(within, id), 'changed');
    const apiKey = await writeApiKey(within, id, checked);
    await recordApiKeyChange(within, 'api_key.updated', apiKey, { changed });
    return apiKey;
  });
}

/**
 * Puts a new key with the same settings in its place. The old one ends after the overlap, or at its own expiry where
 * that is sooner. An expiry is carried over as a length of life: a key made for 90 days is followed by one of 90 days.
 *
 * @throws {StateError} when the key is revoked, has expired, or has a successor already
 */
export async function rotateApiKey(
  operator: Operator,
  pepper: Buffer,
  id: string,
  { overlapSeconds }: { overlapSeconds: number },
): Promise<IssuedApiKey> {
  checkOverlap(overlapSeconds);
  const before = await getApiKey(operator, id);
  refuseRotation(operator, before);
  await refuseDisabled(operator, before.organizationId);
  const minted = mintApiKey(before.environment);
  const succeed = (predecessor: ApiKey) =>
    toRecord(operator, pepper, minted, { ...predecessor, expiresAt: renewedExpiry(operator, predecessor) });
  const overlapEnd = new Date(operator.now().getTime() + overlapSeconds * 1000);
  return inTransaction(operator, async (within) => {
    const rotated = await within.durable.apiKeys.rotate(id, succeed, overlapEnd);
    if (!rotated) return refuseLostRotation(within, id);
    await recordRotation(within, rotated);
    return { apiKey: rotated.successor, key: minted.key };
  });
}

/** Final. Again is no fault, and tells running processes again. */
export async function revokeApiKey(operator: Operator, id: string): Promise<ApiKey> {
  return inTransaction(operator, async (within) => {
    const before = await lockApiKey(within, id);
    const apiKey = await writeApiKey(within, id, { revokedAt: within.now() });
    if (!before.revokedAt) await recordApiKeyChange(within, 'api_key.revoked', apiKey);
    return apiKey;
  });
}

/**
 * Revokes it, then deletes the record: the audit log and the usage counts still name it. In two steps, since a record
 * that is gone is not among the changed ones, by which a process learns of what nobody announced to it.
 */
export async function deleteApiKey(operator: Operator, id: string): Promise<void> {
  await revokeApiKey(operator, id);
  await inTransaction(operator, async (within) => {
    const apiKey = await lockApiKey(within, id);
    await within.durable.apiKeys.delete(id);
    await within.announce({ type: 'api_key', id });
    await recordApiKeyChange(within, 'api_key.deleted', apiKey, { name: apiKey.name });
  });
}

/** As the wire and the audit log call them. */
const WIRE_NAMES: Record<keyof ApiKeySettings, string> = {
  name: 'name',
  scopes: 'scopes',
  ipAllowlist: 'ip_allowlist',
  rateLimit: 'rate_limit',
  expiresAt: 'expires_at',
};

const settingsInput = z.strictObject({
  name: apiKeyName.optional(),
  scopes: apiKeyScopes.optional(),
  ip_allowlist: ipAllowlist.optional(),
  rate_limit: rateLimit.nullable().optional(),
});

/** The named settings as they are stored. @throws {InvalidInputError} naming every fault as the wire calls it */
async function checkSettings<T extends Partial<ApiKeySettings>>(operator: Operator, given: T): Promise<T> {
  const { name, scopes, ipAllowlist: ip_allowlist, rateLimit: rate_limit, expiresAt } = given;
  const parsed = parseInput(settingsInput, { name, scopes, ip_allowlist, rate_limit });
  const faults = [
    ...(await findUnknown(operator, parsed.scopes)),
    ...(expiresAt ? findExpiryFaults('expires_at', expiresAt, operator.now()) : []),
  ];
  if (faults.length > 0) throw new InvalidInputError(faults);
  const all = {
    name: parsed.name,
    scopes: parsed.scopes,
    ipAllowlist: parsed.ip_allowlist,
    rateLimit: parsed.rate_limit,
    expiresAt,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as T;
}

async function findUnknown({ durable }: Operator, scopes: string[] = []): Promise<Fault[]> {
  if (scopes.length === 0) return [];
  const known = grantableScopes(await durable.resourceServers.list());
  return scopes.flatMap((scope, index) =>
    known.has(scope)
      ? []
      : [{ field: `scopes[${index}]`, message: `${scope} is no scope that an API key can have` }],
  );
}

function checkOverlap(seconds: number): void {
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= MAX_OVERLAP_SECONDS) return;
  const message = `must be 0 to ${MAX_OVERLAP_SECONDS} seconds (30 days)`;
  throw new InvalidInputError([{ field: 'overlap_seconds', message }]);
}

function refuseEnded({ now }: Operator, apiKey: ApiKey, done: string): void {
  const state = apiKeyState(apiKey, now());
  if (state !== 'active') throw new StateError(`API key ${apiKey.id} is ${state} and cannot be ${done}`);
}

function refuseRotation(operator: Operator, apiKey: ApiKey): void {
  refuseEnded(operator, apiKey, 'rotated');
  const { id, successorId } = apiKey;
  if (successorId !== null) {
    throw new StateError(`API key ${id} was rotated already; its successor is ${successorId}`);
  }
}

/** Somebody else was faster between our look at the key and the write. */
async function refuseLostRotation(operator: Operator, id: string): Promise<never> {
  refuseRotation(operator, await getApiKey(operator, id));
  throw new StateError(`API key ${id} has ended or changed meanwhile and was not rotated`);
}

function renewedExpiry({ now }: Operator, { createdAt, expiresAt }: ApiKey): Date | null {
  if (!expiresAt) return null;
  const life = Math.min(expiresAt.getTime() - createdAt.getTime(), MAX_LIFE_MS);
  return new Date(now().getTime() + life);
}

async function refuseDisabled(operator: Operator, organizationId: string): Promise<void> {
  const { disabledAt } = await getOrganization(operator, organizationId);
  if (disabledAt) throw new StateError(`Organisation ${organizationId} is disabled`);
}

/** Of a new key whose settings are checked already. */
function toRecord(
  operator: Operator,
  pepper: Buffer,
  { id, secret, key }: NewApiKey,
  { organizationId, environment, name, scopes, ipAllowlist, rateLimit, expiresAt }: ApiKeyInput,
): NewApiKeyRecord {
  const settings = { organizationId, environment, name, scopes, ipAllowlist, rateLimit, expiresAt };
  const digest = digestSecret(pepper, secret);
  return { id, ...settings, digest, lastFour: key.slice(-4), createdBy: operator.actor };
}

function recordCreation(
  operator: Operator,
  apiKey: ApiKey,
  more: Record<string, unknown> = {},
): Promise<void> {
  const { name, environment, scopes, expiresAt } = apiKey;
  const details = { name, environment, scopes, expires_at: expiresAt?.toISOString() ?? null, ...more };
  return recordApiKeyChange(operator, 'api_key.created', apiKey, details);
}

async function recordRotation(operator: Operator, { predecessor, successor }: RotatedApiKey): Promise<void> {
  for (const { id } of [successor, predecessor]) await operator.announce({ type: 'api_key', id });
  await recordCreation(operator, successor, { predecessor_id: predecessor.id });
  await recordApiKeyChange(operator, 'api_key.rotated', predecessor, {
    successor_id: successor.id,
    expires_at: predecessor.expiresAt?.toISOString(),
  });
}
