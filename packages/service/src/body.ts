import type { IncomingMessage } from 'node:http';
import { HttpError, type HttpErrorOptions } from './errors.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a request body of at most `limitBytes`.
 * @throws {HttpError} `payload_too_large`, or `invalid_request` when it is cut short or not UTF-8
 */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes);
  try {
    return utf8.decode(await collect(request, limitBytes));
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError('invalid_request', { description: 'The body could not be read', cause: error });
  }
}

/** By events: an async iterator costs more than everything else that a small body needs. */
function collect(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let received = 0;
  const take = (chunk: Buffer) => {
    received += chunk.length;
    chunks.push(chunk);
    if (received <= limitBytes) return;
    // The socket is left alone, so that the answer still reaches the caller.
    request.off('data', take).pause();
    reject(tooLarge(limitBytes));
  };
  if (request.readableEnded) resolve(Buffer.alloc(0));
  // The caller left before this was called, and no event will come any more.
  else if (request.destroyed) reject(cutShort());
  request.on('data', take);
  request.once('end', () => resolve(Buffer.concat(chunks, received)));
  request.once('error', reject);
  request.once('close', () => reject(cutShort()));
  return promise;
}

/** Reads a JSON body. An empty one is `undefined`. @throws {HttpError} as `readBody`, and on malformed JSON */
export async function readJson(request: IncomingMessage, limitBytes: number): Promise<unknown> {
  const text = await readBody(request, limitBytes);
  return text === '' ? undefined : parseJson(text);
}

/**
 * Parses the text of a body.
 * @throws {HttpError} `invalid_request`, without the parser's error: that one quotes the text, and may quote a secret
 */
export function parseJson(text: string, refusal: Omit<HttpErrorOptions, 'cause'> = {}): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const cause = new Error('not JSON');
    throw new HttpError('invalid_request', { description: 'The body is not valid JSON', ...refusal, cause });
  }
}

/** Reads an `application/x-www-form-urlencoded` body. */
export async function readForm(request: IncomingMessage, limitBytes: number): Promise<URLSearchParams> {
  return new URLSearchParams(await readBody(request, limitBytes));
}

function cutShort(): Error {
  return new Error('the request was cut short');
}

function tooLarge(limitBytes: number): HttpError {
  return new HttpError('payload_too_large', { description: `The body may hold at most ${limitBytes} bytes` });
}
