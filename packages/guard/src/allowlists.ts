import type { AddressList } from '@latchkey/protocol';
import { createCache } from './cache.ts';
import type { Holder, Standing } from './holder.ts';
import type { Route } from './route.ts';

/** The same list, which answers from memory for the addresses that come again and again. */
export function rememberAddresses(list: AddressList): AddressList {
  const known = createCache<boolean>({ maxEntries: 2_000, maxBytes: 1_048_576 }, 100);
  return {
    includes(address) {
      const same = known.get(address);
      if (same !== undefined) return same;
      const included = list.includes(address);
      known.set(address, included);
      return included;
    },
  };
}

/** Whether any allowlist applies: only then does the address matter. */
export function isConfined({ allowlist }: Holder, { terms }: Standing, route: Route): boolean {
  return allowlist !== undefined || terms?.allowlist !== undefined || route.allowlist !== undefined;
}

/** Whether every allowlist that applies has the address: organisation's, credential's, route's. */
export function allowsAddress(
  { allowlist }: Holder,
  standing: Standing,
  route: Route,
  address: string | undefined,
): boolean {
  if (address === undefined) return false;
  if (standing.allowedAddress !== address) {
    if (standing.terms?.allowlist?.includes(address) === false) return false;
    if (allowlist?.includes(address) === false) return false;
    standing.allowedAddress = address;
  }
  return route.allowlist?.includes(address) !== false;
}
