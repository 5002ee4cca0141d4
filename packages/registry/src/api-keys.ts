import { API_KEY_PATTERN, type Environment, type Fault, mintApiKey } from '@latchkey/protocol';
import { type ApiKey, type ApiKeyChanges, digestSecret, type LeakedKeyPolicy } from '@latchkey/storage';
import { z } from 'zod';
import { findExpiryFaults, MAX_LIFE_MS } from './expiry.ts';
import { InvalidInputError, NotFoundError, parseInput, StateError } from './faults.ts';
import { apiKeyName, apiKeyScopes, ipAllowlist, rateLimit } from './inputs.ts';
import { type Operator, recordChange } from './operator.ts';
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
  return issue(operator, pepper, { organizationId, environment, ...checked });
}

export async function getApiKey({ durable }: Operator, id: string): Promise<ApiKey> {
  const apiKey = await durable.apiKeys.find(id);
  if (!apiKey) throw new NotFoundError('API key', id);
  return apiKey;
}

/** @throws {StateError} when the key is revoked or has expired: it would come back to life */
export async function updateApiKey(
  operator: Operator,
  id: string,
  changes: Partial<ApiKeySettings>,
): Promise<ApiKey> {
  refuseEnded(operator, await getApiKey(operator, id), 'changed');
  const checked = await checkSettings(operator, changes);
  const changed = Object.keys(checked).map((name) => WIRE_NAMES[name as keyof ApiKeySettings]);
  const apiKey = await write(operator, id, checked);
  await record(operator, 'api_key.updated', apiKey, { changed });
  return apiKey;
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
  refuseEnded(operator, before, 'rotated');
  if (before.successorId !== null) {
    throw new StateError(`API key ${id} was rotated already; its successor is ${before.successorId}`);
  }
  const { organizationId, environment, name, scopes, ipAllowlist, rateLimit } = before;
  const settings = { organizationId, environment, name, scopes, ipAllowlist, rateLimit };
  // First the new key: a rotation that is cut short leaves a key too many, and not a program without one.
  const issued = await issue(
    operator,
    pepper,
    { ...settings, expiresAt: renewedExpiry(operator, before) },
    { predecessor_id: id },
  );
  const overlapEnd = new Date(operator.now().getTime() + overlapSeconds * 1000);
  const expiresAt = before.expiresAt && before.expiresAt < overlapEnd ? before.expiresAt : overlapEnd;
  const successorId = issued.apiKey.id;
  const old = await write(operator, id, { expiresAt, successorId });
  const details = { successor_id: successorId, expires_at: expiresAt.toISOString() };
  await record(operator, 'api_key.rotated', old, details);
  return issued;
}

/** Final. Again is no fault, and tells running processes again. */
export async function revokeApiKey(operator: Operator, id: string): Promise<ApiKey> {
  const before = await getApiKey(operator, id);
  const apiKey = await write(operator, id, { revokedAt: operator.now() });
  if (!before.revokedAt) await record(operator, 'api_key.revoked', apiKey);
  return apiKey;
}

/** Revokes it, and deletes the record: the audit log and the usage counts still name it. */
export async function deleteApiKey(operator: Operator, id: string): Promise<void> {
  const apiKey = await getApiKey(operator, id);
  await write(operator, id, { revokedAt: operator.now() });
  await operator.durable.apiKeys.delete(id);
  await operator.announce({ type: 'api_key', id });
  await record(operator, 'api_key.deleted', apiKey, { name: apiKey.name });
}

/** Where a key was found by a scanner. */
export interface LeakReport {
  /** Where it can be read. Not trusted, and kept as text. */
  url: string;
  /** Who found it, or in what kind of place. */
  source: string;
}

const OUTCOMES = { revoke: 'revoked', notify: 'notified' } as const satisfies Record<LeakedKeyPolicy, string>;

/**
 * Somebody found the key where others can read it: it is revoked, or marked alone, as its organisation has chosen.
 * Every report is in the audit log; one for a key that is dealt with changes nothing else.
 */
export async function reportLeakedApiKey(
  operator: Operator,
  id: string,
  report: LeakReport,
): Promise<'revoked' | 'notified'> {
  const before = await getApiKey(operator, id);
  const { leakedKeyPolicy } = await getOrganization(operator, before.organizationId);
  const outcome = before.revokedAt ? 'revoked' : OUTCOMES[leakedKeyPolicy];
  const revokes = outcome === 'revoked' && !before.revokedAt;
  const changes: ApiKeyChanges = {
    ...(!before.leakedAt && { leakedAt: operator.now() }),
    ...(revokes && { revokedAt: operator.now() }),
  };
  if (Object.keys(changes).length > 0) await write(operator, id, changes);
  const details = { outcome, source: forTheLog(report.source), url: forTheLog(report.url) };
  await record(operator, 'api_key.leaked', before, details);
  if (revokes) await record(operator, 'api_key.revoked', before, { reason: 'leaked' });
  return outcome;
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

function renewedExpiry({ now }: Operator, { createdAt, expiresAt }: ApiKey): Date | null {
  if (!expiresAt) return null;
  const life = Math.min(expiresAt.getTime() - createdAt.getTime(), MAX_LIFE_MS);
  return new Date(now().getTime() + life);
}

/** Writes a new key whose settings are checked already. */
async function issue(
  operator: Operator,
  pepper: Buffer,
  fields: ApiKeyInput,
  details: Record<string, unknown> = {},
): Promise<IssuedApiKey> {
  const { disabledAt } = await getOrganization(operator, fields.organizationId);
  if (disabledAt) throw new StateError(`Organisation ${fields.organizationId} is disabled`);
  const { id, environment, secret, key } = mintApiKey(fields.environment);
  const apiKey = await operator.durable.apiKeys.create({
    ...fields,
    id,
    digest: digestSecret(pepper, secret),
    lastFour: key.slice(-4),
    createdBy: operator.actor,
  });
  await operator.announce({ type: 'api_key', id });
  const { name, scopes, expiresAt } = apiKey;
  await record(operator, 'api_key.created', apiKey, {
    name,
    environment,
    scopes,
    expires_at: expiresAt?.toISOString() ?? null,
    ...details,
  });
  return { apiKey, key };
}

/** Durable first, then announced: a process that reads on hearing of it reads what was written. */
async function write(operator: Operator, id: string, changes: ApiKeyChanges): Promise<ApiKey> {
  const apiKey = await operator.durable.apiKeys.update(id, changes);
  if (!apiKey) throw new NotFoundError('API key', id);
  await operator.announce({ type: 'api_key', id });
  return apiKey;
}

function record(
  operator: Operator,
  action: string,
  { id, organizationId }: ApiKey,
  details: Record<string, unknown> = {},
): Promise<void> {
  return recordChange(operator, action, { type: 'api_key', id }, { organizationId, details });
}

/** A stranger's words: a page's address may hold the very key that was found on it. */
function forTheLog(text: string): string {
  return text.replace(new RegExp(API_KEY_PATTERN, 'g'), '[API key]').slice(0, 2048);
}
