import type { IncomingMessage } from 'node:http';
import type { GuardedRequest } from './request.ts';

/**
 * What a guard looks at of a Node request, for the adapters of Node frameworks.
 * @param url as sent: frameworks that mount cut `request.url` short and keep the whole elsewhere
 */
export function readNodeRequest(
  request: IncomingMessage,
  url: string = request.url ?? '',
  requestId?: string | undefined,
): GuardedRequest {
  const { headers, socket } = request;
  const at = url.indexOf('?');
  return {
    authorization: readAuthorization(request),
    path: at === -1 ? url : url.slice(0, at),
    query: at === -1 ? '' : url.slice(at + 1),
    remoteAddress: socket.remoteAddress,
    encrypted: 'encrypted' in socket && socket.encrypted === true,
    forwardedFor: joined(headers['x-forwarded-for']),
    forwardedProto: joined(headers['x-forwarded-proto']),
    requestId,
  };
}

function joined(value: string | readonly string[] | undefined): string | undefined {
  return value === undefined || typeof value === 'string' ? value : value.join(',');
}

/**
 * The Authorization field of a Node request: one value as it is, several as a list. Node itself keeps the first
 * in `headers`, and two intermediaries that choose differently are how a request is smuggled past one of them.
 */
export function readAuthorization(request: {
  readonly headers: { readonly authorization?: string | undefined };
  readonly rawHeaders: readonly string[];
}): string | readonly string[] | undefined {
  const first = request.headers.authorization;
  if (first === undefined) return undefined;
  let count = 0;
  const { rawHeaders } = request;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 13 && name.toLowerCase() === 'authorization') count += 1;
  }
  return count > 1 ? rawHeaders.filter((_, index) => isAuthorizationValue(rawHeaders, index)) : first;
}

function isAuthorizationValue(rawHeaders: readonly string[], index: number): boolean {
  return index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization';
}
