import type { Fault } from '@latchkey/protocol';

/** An end further away than this is a mistake. */
export const MAX_LIFE_YEARS = 10;
export const MAX_LIFE_MS = MAX_LIFE_YEARS * 365.25 * 86_400_000;

/** Why a credential may not be given this end: it must lie ahead, and within reach. */
export function findExpiryFaults(field: string, end: Date, now: Date): Fault[] {
  const life = end.getTime() - now.getTime();
  // Written so that an invalid date is refused as well.
  if (!(life > 0)) return [{ field, message: 'must be in the future' }];
  if (life <= MAX_LIFE_MS) return [];
  return [{ field, message: `must be within ${MAX_LIFE_YEARS} years; leave it out for never` }];
}
