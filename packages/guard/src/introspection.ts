import { hash } from 'node:crypto';
import { createCache } from './cache.ts';
import { createFailureReport } from './introspection-failure.ts';
import { askIntrospection, type IntrospectionFetch } from './introspection-request.ts';
import type { JsonObject } from './token.ts';

export interface IntrospectionOptions {
  /** The authorization server's introspection endpoint, `<issuer>/oauth/introspect`. */
  endpoint: string;
  /** The client that the operator registered this resource server's introspection with. */
  clientId: string;
  clientSecret: string;
  /**
   * How long an answer is believed, good or bad: so much later at the latest is a revoked credential refused. Never
   * past the credential's `exp`. 0 asks on each request. Default 10.
   */
  cacheSeconds?: number;
  /** Remembered answers about live credentials; as many again about others. Default 20,000. */
  maxEntries?: number;
  /** Of one attempt; there are two at most. Default 2000. */
  timeoutMs?: number;
  /**
   * Told why the server could not be asked: a wrong client id or secret, another address than the server's, an
   * outage. Once a minute at most; the error's message is meant to be logged. Default: nothing.
   */
  onFailure?: (error: Error) => void;
  /** Default: the platform's. */
  fetch?: IntrospectionFetch;
  /** Epoch milliseconds. Default: `Date.now`. */
  now?: () => number;
}

/** What the authorization server says (RFC 7662 §2.2). Nothing but `active` and `exp` is checked. */
export interface IntrospectionAnswer extends JsonObject {
  readonly active: boolean;
  /** Epoch seconds. */
  readonly exp?: number;
}

export interface Introspection {
  /**
   * At once where the answer is known, and then the same object. Rejects when the server cannot be asked, or answers
   * something else than it should.
   */
  introspect(credential: string): IntrospectionAnswer | Promise<IntrospectionAnswer>;
}

interface Known {
  readonly answer: IntrospectionAnswer;
  /** Epoch milliseconds. */
  readonly until: number;
}

/** An answer with its members and map slots, by heap measurement, rounded up. */
const ENTRY_BYTES = 3_000;

/**
 * A client of token introspection (RFC 7662), which asks about a credential once however many requests bring it.
 * @throws {TypeError} without endpoint, client id or secret
 */
export function createIntrospection(options: IntrospectionOptions): Introspection {
  const { cacheSeconds = 10, maxEntries = 20_000, now = Date.now } = options;
  requireSetUp(options);
  if (!(cacheSeconds >= 0)) throw new RangeError(`not a time to remember answers for: ${cacheSeconds} s`);
  const bounds = { maxEntries, maxBytes: maxEntries * (ENTRY_BYTES + DIGEST_LENGTH) };
  const active = createCache<Known>(bounds, ENTRY_BYTES);
  // Apart, so that a flood of made-up credentials does not push out the good ones.
  const inactive = createCache<Known>(bounds, ENTRY_BYTES);
  const inFlight = new Map<string, Promise<IntrospectionAnswer>>();
  const ask = askIntrospection(options);
  const report = createFailureReport(options.onFailure, now);

  async function inquire(digest: string, credential: string): Promise<IntrospectionAnswer> {
    // From before the question: what was revoked while the answer travelled is not in it.
    const askedAt = now();
    try {
      const answer = await ask(credential);
      const until = Math.min(askedAt + cacheSeconds * 1000, (answer.exp ?? Number.POSITIVE_INFINITY) * 1000);
      (answer.active ? active : inactive).set(digest, { answer, until });
      return answer;
    } catch (error) {
      report(error);
      throw error;
    } finally {
      inFlight.delete(digest);
    }
  }

  return {
    introspect(credential) {
      const digest = hash('sha256', credential, 'base64url');
      const at = now();
      // What was active once may still be there, outdated.
      const answer = believed(active.get(digest), at) ?? believed(inactive.get(digest), at);
      if (answer !== undefined) return answer;
      const asked = inFlight.get(digest) ?? inquire(digest, credential);
      inFlight.set(digest, asked);
      return asked;
    },
  };
}

const DIGEST_LENGTH = 43;

function believed(known: Known | undefined, at: number): IntrospectionAnswer | undefined {
  return known !== undefined && at < known.until ? known.answer : undefined;
}

/** Most come from an environment, where one that was forgotten is undefined or empty and would look like an outage. */
function requireSetUp({ endpoint, clientId, clientSecret }: IntrospectionOptions): void {
  const missing = Object.entries({ endpoint, clientId, clientSecret })
    .filter(([, value]) => typeof value !== 'string' || value === '')
    .map(([name]) => name);
  if (missing.length > 0) throw new TypeError(`introspection needs ${missing.join(', ')}`);
  if (!URL.canParse(endpoint)) throw new TypeError(`the introspection endpoint is no URL: ${endpoint}`);
}
