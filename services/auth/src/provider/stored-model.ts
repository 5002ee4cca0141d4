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

/**
 * Shorter than any value the library makes (PAR's prefix aside, that is switched off). What cannot be one of ours
 * costs no round trip.
 */
const MIN_VALUE_LENGTH = 21;

export function mayBeStored(value: string): boolean {
  return value.length >= MIN_VALUE_LENGTH;
}

/** Stands where a value is due, and is found in no store. */
export const NOT_A_VALUE = 'none';
