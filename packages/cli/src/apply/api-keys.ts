import type { Fault } from '@latchkey/protocol';
import {
  type ApiKeySettings,
  apiKeyState,
  createApiKey,
  DEFAULT_API_KEY_SCOPES,
  findExpiryFaults,
  grantableScopes,
  listApiKeys,
  type Operator,
  updateApiKey,
} from '@latchkey/registry';
import type { ApiKey } from '@latchkey/storage';
import type { Declaration, DeclaredApiKey } from './declaration.ts';
import { resourceServersAfterwards } from './resource-servers.ts';
import { type Step, unchanged } from './step.ts';

/**
 * A key has no id before it is made, so it is told by organisation, environment and name. One that ended keeps its name
 * occupied: a file that is applied every night must not undo a revocation.
 */
export async function planApiKey(
  operator: Operator,
  pepper: Buffer,
  declared: DeclaredApiKey,
): Promise<Step> {
  const { organization: organizationId, environment, name } = declared;
  const step = { kind: 'api_key', name: `${name} (${organizationId}, ${environment})` } as const;
  const stored = await findStored(operator, declared);
  if (!stored) {
    const run = async () => {
      const fields = { ...DEFAULTS, ...declaredSettings(declared), name, organizationId, environment };
      const { apiKey, key } = await createApiKey(operator, pepper, fields);
      return [{ id: apiKey.id, organization: organizationId, environment, name, key }];
    };
    return { ...step, action: 'create', changes: ['a new key, shown once'], run };
  }
  const state = apiKeyState(stored, operator.now());
  if (state !== 'active') {
    const note = `${stored.id} is ${state}, and not made again: declare another name for another key`;
    return { ...unchanged(step.kind, step.name), note };
  }
  const settings = declaredSettings(declared);
  const changes = findChanges(settings, stored);
  if (changes.length === 0) return unchanged(step.kind, step.name);
  const run = async () => {
    await updateApiKey(operator, stored.id, settings);
    return [];
  };
  return { ...step, action: 'update', changes, run };
}

const DEFAULTS = { scopes: [...DEFAULT_API_KEY_SCOPES], ipAllowlist: [], rateLimit: null, expiresAt: null };

/** What would stop a run half-way: scopes that no key can have, ends that are past, keys of a disabled organisation. */
export async function findApiKeyFaults(operator: Operator, declaration: Declaration): Promise<Fault[]> {
  if (declaration.api_keys.length === 0) return [];
  const known = grantableScopes(await resourceServersAfterwards(operator, declaration));
  const faults: Fault[] = [];
  for (const [index, declared] of declaration.api_keys.entries()) {
    const path = `api_keys[${index}]`;
    for (const [place, scope] of (declared.scopes ?? []).entries()) {
      const message = `${scope} is no scope that an API key can have. ${describeScopes(known)}`;
      if (!known.has(scope)) faults.push({ field: `${path}.scopes[${place}]`, message });
    }
    faults.push(...(await findStateFaults(operator, declared, path)));
  }
  return faults;
}

export function describeScopes(known: ReadonlySet<string>): string {
  return `An API key can have: ${[...known].join(' ')}`;
}

async function findStateFaults(operator: Operator, declared: DeclaredApiKey, path: string): Promise<Fault[]> {
  const { organization, expires_at: end } = declared;
  const stored = await findStored(operator, declared);
  const isSet = end && (!stored || changesEnd(operator, stored, end));
  const faults = isSet ? findExpiryFaults(`${path}.expires_at`, end, operator.now()) : [];
  const owner = stored ? undefined : await operator.durable.organizations.find(organization);
  if (!owner?.disabledAt) return faults;
  return [...faults, { field: `${path}.organization`, message: `names ${organization}, which is disabled` }];
}

function changesEnd({ now }: Operator, stored: ApiKey, end: Date): boolean {
  return apiKeyState(stored, now()) === 'active' && stored.expiresAt?.getTime() !== end.getTime();
}

/** Of several, which rotations make, the last in line that works; else the newest. */
async function findStored(operator: Operator, declared: DeclaredApiKey): Promise<ApiKey | undefined> {
  const { organization: organizationId, environment } = declared;
  const keys = await listApiKeys(operator, { organizationId, environment });
  const named = keys.filter(({ name }) => name === declared.name);
  const working = named.filter((key) => apiKeyState(key, operator.now()) === 'active');
  return working.find(({ successorId }) => successorId === null) ?? working[0] ?? named[0];
}

/** What the file leaves out is left alone. */
function declaredSettings(declared: DeclaredApiKey): Partial<Omit<ApiKeySettings, 'name'>> {
  const { scopes, ip_allowlist: ipAllowlist, rate_limit: rateLimit, expires_at: expiresAt } = declared;
  return {
    ...(scopes && { scopes }),
    ...(ipAllowlist && { ipAllowlist }),
    ...(rateLimit !== undefined && { rateLimit }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

function findChanges(settings: Partial<Omit<ApiKeySettings, 'name'>>, stored: ApiKey): string[] {
  return SETTINGS.filter(
    ([setting]) => setting in settings && comparable(settings[setting]) !== comparable(stored[setting]),
  ).map(([, member]) => member);
}

const SETTINGS = [
  ['scopes', 'scopes'],
  ['ipAllowlist', 'ip_allowlist'],
  ['rateLimit', 'rate_limit'],
  ['expiresAt', 'expires_at'],
] as const;

/** The order of scopes and ranges means nothing. */
function comparable(value: unknown): string {
  return JSON.stringify(Array.isArray(value) ? value.toSorted() : value);
}
