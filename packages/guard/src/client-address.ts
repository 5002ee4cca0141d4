import { type AddressList, createAddressList, resolveClientAddress } from '@latchkey/protocol';
import { rememberAddresses } from './allowlists.ts';
import type { GuardedRequest } from './request.ts';

/** Whose `X-Forwarded-*` is believed; undefined: nobody's. Throws `RangeError` on what is no address or range. */
export function createProxies(ranges: readonly string[]): AddressList | undefined {
  return ranges.length === 0 ? undefined : rememberAddresses(createAddressList(ranges));
}

/** The address that the request comes from in truth; undefined where the connection has none. */
export function clientAddressOf(
  request: GuardedRequest,
  proxies: AddressList | undefined,
): string | undefined {
  const { remoteAddress, forwardedFor } = request;
  if (proxies === undefined || remoteAddress === undefined) return remoteAddress;
  return resolveClientAddress(remoteAddress, forwardedFor, proxies);
}
