import { findApiKeyInUrl } from '@latchkey/protocol';
import { HttpError } from '@latchkey/service';
import type Koa from 'koa';
import { LRUCache } from 'lru-cache';
import type { Audit } from '../audit.ts';
import type { PresentedApiKeys } from './api-keys.ts';

const ONCE_EVERY_MS = 60_000;
/** Keys remembered as told of. */
const MAX_TOLD = 1_000;

/** Of this request: the one that `refuseKeysInUrl` will refuse it for. */
export function findKeyInUrl({ path, querystring }: Koa.Context): { key: string; where: string } | undefined {
  const inPath = findApiKeyInUrl(path);
  if (inPath !== undefined) return { key: inPath, where: 'path' };
  const inQuery = findApiKeyInUrl(querystring);
  return inQuery === undefined ? undefined : { key: inQuery, where: 'query' };
}

/**
 * Where keys are sent, they are sent in the body: an address is kept by proxies, logs and histories. Said in so many
 * words, whatever is asked for and whether there is anything: or somebody in a hurry to end a key takes the refusal for
 * a client's missing credentials, or for a wrong path. The key's organisation is told by its audit log, once a minute
 * and key, and only of a key whose secret is right.
 */
export function refuseKeysInUrl(deps: {
  apiKeys: PresentedApiKeys;
  audit: Audit;
  now: () => Date;
}): Koa.Middleware {
  const { apiKeys, audit, now } = deps;
  const toldAt = new LRUCache<string, number>({ max: MAX_TOLD });

  async function tell(ctx: Koa.Context, key: string, where: string): Promise<void> {
    const apiKey = await apiKeys.verify(key);
    const at = now().getTime();
    if (!apiKey || at - (toldAt.get(apiKey.id) ?? Number.NEGATIVE_INFINITY) < ONCE_EVERY_MS) return;
    toldAt.set(apiKey.id, at);
    await audit.record({
      action: 'api_key.exposed_in_url',
      result: 'failure',
      actor: { type: 'api_key', id: apiKey.id },
      target: { type: 'api_key', id: apiKey.id },
      organizationId: apiKey.organizationId,
      ip: ctx.ip,
      requestId: ctx.state.requestId,
      details: { where },
    });
  }

  return async function bodyAlone(ctx, next) {
    const exposed = findKeyInUrl(ctx);
    if (exposed === undefined) return next();
    await tell(ctx, exposed.key, exposed.where);
    throw new HttpError('invalid_request', {
      description: 'API keys are sent in the body of the request, never in the URL',
    });
  };
}
