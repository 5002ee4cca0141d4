import type { Principal } from '@latchkey/guard';
import { apiKeyState, inTransaction, type Operator } from '@latchkey/registry';
import { HttpError } from '@latchkey/service';
import type { ApiKey, RevocationKey } from '@latchkey/storage';
import type { Call } from './endpoint.ts';
import type { Bounds } from './granting.ts';
import { operatorOf } from './operator.ts';
import type { RouteDeps } from './route-table.ts';

/** Who gives a credential or changes one, as the records say while nobody changes them. */
export interface Giver {
  /** With the scopes that an API key has now. */
  principal: Principal;
  bounds: Bounds;
  operator: Operator;
  /** With the records of the transaction. */
  deps: RouteDeps;
}

const UNBOUNDED: Bounds = { ipAllowlist: [], expiresAt: null, rateLimit: null };

/**
 * Does `work` in one transaction. The guard lets a credential in by what this process has heard, which may be seconds
 * old, and what it gave or widened would live on: so the giver is looked up anew, and an API key held until all is
 * done, together with the key that is worked on. One that was ended or narrowed before gives nothing that it lacks
 * now; an end that comes later finds what was made.
 * @throws {HttpError} 403 for a giver that has ended
 */
export function giving<T>(
  deps: RouteDeps,
  call: Call<unknown, unknown>,
  work: (giver: Giver) => Promise<T>,
  target?: ApiKey,
): Promise<T> {
  return inTransaction(operatorOf(deps, call), async (operator) => {
    const within: RouteDeps = { ...deps, durable: operator.durable };
    const { apiKeyId } = call.principal;
    const held = [apiKeyId, target?.id].filter((id) => id !== undefined);
    if (held.length > 0) await operator.durable.apiKeys.lock(...held);
    const who =
      apiKeyId === undefined ? await findHolder(within, call) : await findKey(within, call, apiKeyId);
    return work({ ...who, operator, deps: within });
  });
}

type Who = Pick<Giver, 'principal' | 'bounds'>;

async function findKey({ durable, now }: RouteDeps, call: Call<unknown, unknown>, id: string): Promise<Who> {
  const key = await durable.apiKeys.find(id);
  if (!key || apiKeyState(key, now?.() ?? new Date()) !== 'active') throw refuseEnded('API key');
  return { principal: { ...call.principal, scopes: new Set(key.scopes) }, bounds: key };
}

/** A token can be confined no more than its organisation is. */
async function findHolder({ durable }: RouteDeps, { principal }: Call<unknown, unknown>): Promise<Who> {
  const { tokenId, grantId, clientId = '' } = principal;
  const keys: RevocationKey[] = tokenId === undefined ? [] : [{ subject: 'token', id: tokenId }];
  const revoked = await durable.revocations.findAny(keys);
  // Whatever ends an account, a seat, a client or an organisation ends the grants with it.
  const stands =
    grantId === undefined
      ? (await durable.clients.find(clientId))?.disabledAt === null
      : (await durable.grants.findLive([grantId])).length > 0;
  if (revoked.length > 0 || !stands) throw refuseEnded('access token');
  return { principal, bounds: UNBOUNDED };
}

function refuseEnded(what: string): HttpError {
  return new HttpError('forbidden', { description: `The ${what} that asks has ended` });
}
