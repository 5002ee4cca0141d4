import { randomBytes } from 'node:crypto';
import { createLogger, HttpError } from '@latchkey/service';
import { StorageUnavailableError } from '@latchkey/storage';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createIdempotency, type Outcome } from '../src/idempotency.ts';
import { openAnswer, sealAnswer } from '../src/sealed-answer.ts';
import { startApi, type TestApi } from './harness.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

/** What stands between an endpoint and the store, with every outcome in the test's hands. */
describe('the record of a request', () => {
  const pepper = randomBytes(32);
  const principal = {
    kind: 'client',
    clientId: 'client_1',
    credentialId: 'client_1',
    organizationId: 'org_1',
    environment: 'live',
    scopes: new Set<string>(),
  } as const;
  const created: Outcome = { status: 201, headers: { Location: '/x' }, body: { key: 'sk_live_secret' } };
  let now = new Date();
  const logger = createLogger({ service: 'api', level: 'silent' });
  const once = (header: string, perform: () => Promise<Outcome>, keys = api.durable.idempotencyKeys) =>
    createIdempotency({ keys, pepper, logger, now: () => now }).once(
      {
        header,
        principal,
        asked: { method: 'POST', path: '/x', query: {}, body: {} },
        requestId: 'request-1',
      },
      perform,
    );
  const answer = async () => created;
  const fail = (error: Error) => async () => {
    throw error;
  };

  test('holds neither the key of the request nor what was answered, and does not open with the pepper alone', async () => {
    const seen: Buffer[] = [];
    const keys = api.durable.idempotencyKeys;
    await once('guess-me-not', answer, {
      ...keys,
      claim: (digest, fingerprint, ttl) => {
        seen.push(digest, fingerprint);
        return keys.claim(digest, fingerprint, ttl);
      },
      settle: (digest, kept) => {
        seen.push(kept.sealed);
        return keys.settle(digest, kept);
      },
    });
    const stored = Buffer.concat(seen).toString('latin1');
    expect(seen).toHaveLength(3);
    for (const secret of ['guess-me-not', 'sk_live_secret']) expect(stored).not.toContain(secret);
    const [digest, , sealed] = seen as [Buffer, Buffer, Buffer];
    expect(openAnswer({ pepper, idempotencyKey: 'guess-me-not', digest }, sealed)).toEqual(created);
    expect(() => openAnswer({ pepper, idempotencyKey: '', digest }, sealed)).toThrow();
    expect(() =>
      openAnswer({ pepper: randomBytes(32), idempotencyKey: 'guess-me-not', digest }, sealed),
    ).toThrow();
    expect(() =>
      openAnswer({ pepper, idempotencyKey: 'guess-me-not', digest: randomBytes(32) }, sealed),
    ).toThrow();
  });

  test.each([401, 403, 429, 503] as const)(
    'is released after a %i, which may be otherwise next time',
    async (status) => {
      const codes = {
        401: 'unauthorized',
        403: 'forbidden',
        429: 'too_many_requests',
        503: 'temporarily_unavailable',
      } as const;
      const header = `released-${status}`;
      await expect(once(header, fail(new HttpError(codes[status])))).rejects.toThrow(HttpError);
      expect(await once(header, answer)).toEqual({ outcome: created, replayed: false });
    },
  );

  test.each([new StorageUnavailableError('lost'), new Error('unforeseen')])(
    'stays after %s: nobody knows whether the request took effect, so it is not performed again',
    async (error) => {
      const header = `unknown-${error.name}`;
      now = new Date();
      await expect(once(header, fail(error))).rejects.toBe(error);
      const soon = await once(header, answer).catch((refusal: HttpError) => refusal);
      expect(soon).toMatchObject({ code: 'idempotency_in_progress', headers: { 'Retry-After': '1' } });
      now = new Date(Date.now() + 3_600_000);
      const later = await once(header, answer).catch((refusal: HttpError) => refusal);
      expect(later).toMatchObject({
        code: 'idempotency_in_progress',
        description: expect.stringContaining('Look whether it took effect'),
        // Who waited for the key to expire would perform it twice.
        headers: {},
      });
      now = new Date();
    },
  );

  test('that cannot be written costs nobody the answer', async () => {
    const keys = { ...api.durable.idempotencyKeys, settle: () => Promise.reject(new Error('away')) };
    expect(await once('unkept', answer, keys)).toEqual({ outcome: created, replayed: false });
    await expect(once('unkept', answer)).rejects.toMatchObject({ code: 'idempotency_in_progress' });
  });

  test('is not made without the store: 503 and nothing is performed', async () => {
    const away = () => Promise.reject(new StorageUnavailableError('away'));
    const keys = { ...api.durable.idempotencyKeys, claim: away };
    let performed = false;
    const perform = async () => {
      performed = true;
      return created;
    };
    await expect(once('away', perform, keys)).rejects.toThrow(StorageUnavailableError);
    expect(performed).toBe(false);
  });
});

test('an answer opens under its own key, pepper and record alone, whatever it holds', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ minLength: 1 }), fc.string(), (value, idempotencyKey, other) => {
      const lock = { pepper: randomBytes(32), idempotencyKey, digest: randomBytes(32) };
      const sealed = sealAnswer(lock, { value });
      expect(openAnswer(lock, sealed)).toEqual(JSON.parse(JSON.stringify({ value })));
      if (other !== idempotencyKey) {
        expect(() => openAnswer({ ...lock, idempotencyKey: other }, sealed)).toThrow();
      }
    }),
    { numRuns: 50 },
  );
});
