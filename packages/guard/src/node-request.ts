import type { IncomingMessage } from 'node:http';
import { readAuthorization } from './credentials.ts';
import type { GuardedRequest } from './request.ts';

/** @param url as sent: frameworks cut what they mounted at off `request.url`, and keep the whole elsewhere */
export function readNodeRequest(request: IncomingMessage, url: string): GuardedRequest {
  const { headers, socket } = request;
  const mark = url.indexOf('?');
  return {
    authorization: readAuthorization(request),
    path: mark === -1 ? url : url.slice(0, mark),
    query: mark === -1 ? '' : url.slice(mark + 1),
    remoteAddress: socket.remoteAddress,
    encrypted: 'encrypted' in socket && socket.encrypted === true,
    forwardedFor: joined(headers['x-forwarded-for']),
    forwardedProto: joined(headers['x-forwarded-proto']),
  };
}

/** RFC 9110 §5.3: lines of the same field, in order. */
function joined(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Most of a form that is read to tell its sender why it is refused, in bytes. */
const FORM_BYTES = 16_384;

/** The start of a form's body, of a request that goes no further; empty for any other body. */
export async function readFormStart(request: IncomingMessage): Promise<string> {
  if (!isForm(request.headers['content-type'])) return '';
  let text = '';
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      text += chunk.toString('latin1');
      if (text.length >= FORM_BYTES) break;
    }
  } catch {
    // Cut short: what came is enough to tell.
  }
  return text;
}

export function isForm(contentType: string | null | undefined): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(contentType ?? '');
}
