import type { IntrospectionAnswer, IntrospectionOptions } from './introspection.ts';
import { IntrospectionError, refusedByServer, unreachable } from './introspection-failure.ts';
import { isObject } from './token.ts';

export type IntrospectionFetch = (
  uri: string,
  init: {
    method: 'POST';
    headers: Record<string, string>;
    body: string;
    redirect: 'manual';
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
      // Never followed: the credential goes to the address that was configured, not to wherever that points today.
      // By `error` Node's fetch would repeat what is answered 401 or 421, without the body, and fail by that.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return readAnswer(response, endpoint);
  };
  return async (credential) => {
    for (let count = 1; ; count += 1) {
      try {
        return await attempt(credential);
      } catch (error) {
        const failure = unreachable(endpoint, error, timeoutMs);
        if (count === ATTEMPTS || failure.final) throw failure;
      }
    }
  };
}

async function readAnswer(response: Response, endpoint: string): Promise<IntrospectionAnswer> {
  const { status } = response;
  if (status !== 200) throw refusedByServer(endpoint, status, await readCode(response, endpoint));
  const answer = parseJson(await readText(response, endpoint));
  if (answer === undefined) throw new IntrospectionError(`${endpoint} answered something that is no JSON`);
  if (isAnswer(answer)) return Object.freeze(answer);
  const message = `${endpoint} answered something else than RFC 7662 §2.2 says`;
  throw new IntrospectionError(message, { final: true });
}

/** RFC 6749 §5.2. What else the answer says stays out of logs. */
async function readCode(response: Response, endpoint: string): Promise<string | undefined> {
  if (!response.headers.get('content-type')?.includes('json')) {
    await response.body?.cancel();
    return undefined;
  }
  const body = parseJson(await readText(response, endpoint));
  if (!isObject(body) || typeof body.error !== 'string') return undefined;
  return /^[\w.-]{1,64}$/.test(body.error) ? body.error : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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
    if (received > MAX_BYTES) {
      throw new IntrospectionError(`${endpoint} answered more than ${MAX_BYTES} bytes`, { final: true });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** RFC 6749 §2.3.1 and appendix B: application/x-www-form-urlencoded, also within Basic. */
function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
