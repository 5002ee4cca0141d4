import type { IntrospectionAnswer, IntrospectionOptions } from './introspection.ts';
import { isObject } from './token.ts';

export type IntrospectionFetch = (
  uri: string,
  init: {
    method: 'POST';
    headers: Record<string, string>;
    body: string;
    redirect: 'error';
    signal: AbortSignal;
  },
) => Promise<Response>;

const TIMEOUT_MS = 2_000;
const MAX_BYTES = 65_536;
const ATTEMPTS = 2;

type Ask = (credential: string) => Promise<IntrospectionAnswer>;

/** One question to the server (RFC 7662 §2.1), repeated once where the first may have failed by accident. */
export function askIntrospection(options: IntrospectionOptions): Ask {
  const { endpoint, clientId, clientSecret, timeoutMs = TIMEOUT_MS } = options;
  const send: IntrospectionFetch = options.fetch ?? fetch;
  const headers = {
    accept: 'application/json',
    authorization: `Basic ${Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret)}`).toString('base64')}`,
    'content-type': 'application/x-www-form-urlencoded',
  };
  const attempt: Ask = async (credential) => {
    const response = await send(endpoint, {
      method: 'POST',
      headers,
      body: `token=${formEncode(credential)}`,
      // The credential goes to the address that was configured, not to wherever that points today.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return readAnswer(response, endpoint);
  };
  return async (credential) => {
    for (let count = 1; ; count += 1) {
      try {
        return await attempt(credential);
      } catch (error) {
        if (count === ATTEMPTS || error instanceof RefusedError) throw error;
      }
    }
  };
}

/** The server understood and said no: to ask again would bring the same. */
class RefusedError extends Error {
  override name = 'IntrospectionRefusedError';
}

async function readAnswer(response: Response, endpoint: string): Promise<IntrospectionAnswer> {
  const { status } = response;
  if (status !== 200) {
    await response.body?.cancel();
    const isOurs = status >= 400 && status < 500;
    throw new (isOurs ? RefusedError : Error)(`${endpoint} answered ${status}`);
  }
  const answer: unknown = JSON.parse(await readText(response, endpoint));
  if (!isAnswer(answer))
    throw new RefusedError(`${endpoint} answered something else than RFC 7662 §2.2 says`);
  return Object.freeze(answer);
}

function isAnswer(value: unknown): value is IntrospectionAnswer {
  if (!isObject(value) || typeof value.active !== 'boolean') return false;
  return value.exp === undefined || (typeof value.exp === 'number' && Number.isFinite(value.exp));
}

async function readText(response: Response, endpoint: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of response.body ?? []) {
    received += chunk.length;
    if (received > MAX_BYTES) throw new RefusedError(`${endpoint} answered more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** RFC 6749 §2.3.1 and appendix B: application/x-www-form-urlencoded, also within Basic. */
function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
