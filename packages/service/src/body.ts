import type { IncomingMessage } from 'node:http';
import { HttpError } from './errors.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a request body of at most `limitBytes`.
 * @throws {HttpError} `payload_too_large`, or `invalid_request` when it is cut short or not UTF-8
 */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes);
  const chunks: Buffer[] = [];
  let received = 0;
  try {
    // The socket is left alone on a refusal, so that the answer still reaches the caller.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      received += chunk.length;
      if (received > limitBytes) throw tooLarge(limitBytes);
      chunks.push(chunk);
    }
    return utf8.decode(Buffer.concat(chunks, received));
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError('invalid_request', { description: 'The body could not be read', cause: error });
  }
}

/** Reads a JSON body. An empty one is `undefined`. @throws {HttpError} as `readBody`, and on malformed JSON */
export async function readJson(request: IncomingMessage, limitBytes: number): Promise<unknown> {
  const text = await readBody(request, limitBytes);
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HttpError('invalid_request', { description: 'The body is not valid JSON', cause: error });
  }
}

/** Reads an `application/x-www-form-urlencoded` body. */
export async function readForm(request: IncomingMessage, limitBytes: number): Promise<URLSearchParams> {
  return new URLSearchParams(await readBody(request, limitBytes));
}

function tooLarge(limitBytes: number): HttpError {
  return new HttpError('payload_too_large', { description: `The body may hold at most ${limitBytes} bytes` });
}
