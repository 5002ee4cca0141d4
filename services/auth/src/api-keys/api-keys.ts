import { timingSafeEqual } from 'node:crypto';
import { parseApiKey } from '@latchkey/protocol';
import { type ApiKey, type DurableStorage, digestSecret } from '@latchkey/storage';
import { createBatch } from '../provider/batch.ts';

/** API keys as their holders present them. */
export interface PresentedApiKeys {
  /**
   * The record of a key whose secret is right, revoked and expired ones among them. Of a wrong secret as of an
   * unknown id: undefined, after the same work.
   */
  verify(text: string): Promise<ApiKey | undefined>;
  /** The same for many, in one round trip; of those that are right, each by the text it was presented as. */
  verifyAll(texts: readonly string[]): Promise<Map<string, ApiKey>>;
}

/**
 * Asks the database every time, so that a revoked key is dead here at once; requests that wait share a read.
 */
export function createPresentedApiKeys(deps: {
  durable: Pick<DurableStorage, 'apiKeys'>;
  pepper: Buffer;
}): PresentedApiKeys {
  const { durable, pepper } = deps;
  const findMany = createBatch((ids: string[]) => durable.apiKeys.findMany(ids));

  async function verifyAll(texts: readonly string[]): Promise<Map<string, ApiKey>> {
    const parsed = texts.flatMap((text) => {
      const parts = parseApiKey(text);
      return parts ? [{ text, ...parts }] : [];
    });
    if (parsed.length === 0) return new Map();
    const found = new Map((await findMany(parsed.map(({ id }) => id))).map((record) => [record.id, record]));
    return new Map(
      parsed.flatMap(({ text, id, environment, secret }) => {
        const record = found.get(id);
        const rightSecret = matches(digestSecret(pepper, secret), record?.digest);
        // The environment stands in the key in clear: altered, the key is another one.
        return record && rightSecret && record.environment === environment ? [[text, record] as const] : [];
      }),
    );
  }

  return { verify: async (text) => (await verifyAll([text])).get(text), verifyAll };
}

/** Stands in for the digest of a key that is unknown. */
const NO_DIGEST = Buffer.alloc(32);

/** Constant time, and the same time without a record. */
function matches(candidate: Buffer, digest: Buffer = NO_DIGEST): boolean {
  return digest.length === candidate.length && timingSafeEqual(digest, candidate);
}

/**
 * Whether the value means to be an API key of ours. More than its first letters are looked at: an opaque token is
 * random base64url, and one in some hundred thousand begins with `sk_`.
 */
export function isApiKey(token: string): boolean {
  return token.startsWith('sk_live_') || token.startsWith('sk_test_');
}
