import type { Adapter, AdapterPayload } from 'oidc-provider';

/** What was stored, with the value it was found by. A consumed record says so: the library tells a replay by it. */
export function toPayload(
  value: string,
  stored: Record<string, unknown>,
  consumedAt: Date | null,
): AdapterPayload {
  return {
    ...stored,
    jti: value,
    ...(consumedAt && { consumed: Math.floor(consumedAt.getTime() / 1000) }),
  };
}

/** For models that are never stored, and operations the library never asks of a model. */
export function refuseAll(model: string): Adapter {
  const refuse = (operation: string) => async () => {
    throw new Error(`oidc-provider asked for ${model}.${operation}, which is not stored`);
  };
  return {
    upsert: refuse('upsert'),
    find: refuse('find'),
    findByUid: refuse('findByUid'),
    findByUserCode: refuse('findByUserCode'),
    consume: refuse('consume'),
    destroy: refuse('destroy'),
    revokeByGrantId: refuse('revokeByGrantId'),
  };
}
