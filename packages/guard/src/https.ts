import { type AddressList, resolveScheme } from '@latchkey/protocol';
import type { GuardedRequest } from './request.ts';

/** RFC 6797 §6.1: one year. */
export const STRICT_TRANSPORT_SECURITY = 'max-age=31536000';

/** Whether the client's own connection is https: a trusted proxy's word on that stands above our connection to it. */
export function isHttps(request: GuardedRequest, proxies: AddressList | undefined): boolean {
  const { encrypted, forwardedProto, remoteAddress: peer } = request;
  if (proxies === undefined || forwardedProto === undefined || peer === undefined) return encrypted;
  return resolveScheme({ peer, encrypted }, forwardedProto, proxies) === 'https';
}
