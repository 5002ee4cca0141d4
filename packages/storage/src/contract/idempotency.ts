import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { DurableFixture } from './durable.ts';

const CALLERS = 50;
const DAY_SECONDS = 86_400;
const ANSWER = { status: 201, sealed: Buffer.from([0, 255, 128, 92]) };

export function testIdempotencyKeys(fixture: () => DurableFixture): void {
  const newRequest = () => ({ digest: randomBytes(32), fingerprint: randomBytes(32) });

  describe('idempotency keys', () => {
    test('the first is told that it claimed, the second since when it is pending', async () => {
      const { storage, peer, clock } = fixture();
      const { digest, fingerprint } = newRequest();
      const since = clock.now();
      expect(await storage.idempotencyKeys.claim(digest, fingerprint, 60)).toEqual({ state: 'claimed' });
      clock.advance(5);
      const second = await peer.idempotencyKeys.claim(digest, fingerprint, 60);
      expect(second).toEqual({ state: 'pending', since });
    });

    test(`of ${CALLERS} parallel claims exactly one is told so`, async () => {
      const { storage, peer } = fixture();
      const { digest, fingerprint } = newRequest();
      const claims = await Promise.all(
        Array.from({ length: CALLERS }, (_, index) =>
          (index % 2 ? storage : peer).idempotencyKeys.claim(digest, fingerprint, 60),
        ),
      );
      const states = claims.map(({ state }) => state).toSorted();
      expect(states).toEqual(['claimed', ...Array.from({ length: CALLERS - 1 }, () => 'pending')]);
    });

    test('an answer that was settled is given to whoever comes after', async () => {
      const { storage, peer } = fixture();
      const { digest, fingerprint } = newRequest();
      await storage.idempotencyKeys.claim(digest, fingerprint, 60);
      await storage.idempotencyKeys.settle(digest, ANSWER);
      const again = await peer.idempotencyKeys.claim(digest, fingerprint, 60);
      expect(again).toEqual({ state: 'answered', answer: ANSWER });
    });

    test('an answer stands: settling it again or releasing it changes nothing', async () => {
      const { storage } = fixture();
      const { digest, fingerprint } = newRequest();
      await storage.idempotencyKeys.claim(digest, fingerprint, 60);
      await storage.idempotencyKeys.settle(digest, ANSWER);
      await storage.idempotencyKeys.settle(digest, { status: 500, sealed: Buffer.of(1) });
      await storage.idempotencyKeys.release(digest);
      const again = await storage.idempotencyKeys.claim(digest, fingerprint, 60);
      expect(again).toEqual({ state: 'answered', answer: ANSWER });
    });

    test('another request under the same key is told so, pending or answered', async () => {
      const { storage } = fixture();
      const { digest, fingerprint } = newRequest();
      await storage.idempotencyKeys.claim(digest, fingerprint, 60);
      const other = randomBytes(32);
      expect(await storage.idempotencyKeys.claim(digest, other, 60)).toEqual({ state: 'reused' });
      await storage.idempotencyKeys.settle(digest, ANSWER);
      expect(await storage.idempotencyKeys.claim(digest, other, 60)).toEqual({ state: 'reused' });
      expect(await storage.idempotencyKeys.claim(newRequest().digest, other, 60)).toEqual({
        state: 'claimed',
      });
    });

    test('a claim that was released may be made again, by another request too', async () => {
      const { storage } = fixture();
      const { digest, fingerprint } = newRequest();
      await storage.idempotencyKeys.claim(digest, fingerprint, 60);
      await storage.idempotencyKeys.release(digest);
      expect(await storage.idempotencyKeys.claim(digest, randomBytes(32), 60)).toEqual({ state: 'claimed' });
    });

    test('claims and releases in parallel: never two hold it at once', async () => {
      const { storage, peer } = fixture();
      const { digest, fingerprint } = newRequest();
      let holders = 0;
      let most = 0;
      let performed = 0;
      const perform = async (index: number) => {
        const { idempotencyKeys } = index % 2 ? storage : peer;
        while ((await idempotencyKeys.claim(digest, fingerprint, 60)).state !== 'claimed');
        holders += 1;
        most = Math.max(most, holders);
        performed += 1;
        // Held while the store works: a second holder would show.
        await idempotencyKeys.claim(newRequest().digest, fingerprint, 60);
        holders -= 1;
        await idempotencyKeys.release(digest);
      };
      await Promise.all(Array.from({ length: 8 }, (_, index) => perform(index)));
      expect({ most, performed }).toEqual({ most: 1, performed: 8 });
    });
  });
  testLife(fixture, newRequest);
}

function testLife(
  fixture: () => DurableFixture,
  newRequest: () => { digest: Buffer; fingerprint: Buffer },
): void {
  describe('the life of an idempotency key', () => {
    test('ends after its time, counted from the claim, answered or not', async () => {
      const { storage, clock } = fixture();
      const [answered, pending] = [newRequest(), newRequest()];
      for (const { digest, fingerprint } of [answered, pending]) {
        await storage.idempotencyKeys.claim(digest, fingerprint, DAY_SECONDS);
      }
      clock.advance(DAY_SECONDS - 1);
      await storage.idempotencyKeys.settle(answered.digest, ANSWER);
      const states = async () => {
        const { idempotencyKeys } = storage;
        const claims = [answered, pending].map(({ digest }) =>
          idempotencyKeys.claim(digest, randomBytes(32), 60),
        );
        return (await Promise.all(claims)).map(({ state }) => state);
      };
      expect(await states()).toEqual(['reused', 'reused']);
      clock.advance(1);
      expect(await states()).toEqual(['claimed', 'claimed']);
    });

    test('begins anew with the claim of an expired one: nothing of the old answer is left', async () => {
      const { storage, clock } = fixture();
      const { digest, fingerprint } = newRequest();
      await storage.idempotencyKeys.claim(digest, fingerprint, 60);
      await storage.idempotencyKeys.settle(digest, ANSWER);
      clock.advance(60);
      await storage.idempotencyKeys.claim(digest, fingerprint, 60);
      clock.advance(59);
      const pending = { state: 'pending', since: clock.in(-59) };
      expect(await storage.idempotencyKeys.claim(digest, fingerprint, 60)).toEqual(pending);
    });

    test(`of ${CALLERS} parallel claims of an expired one exactly one is told so`, async () => {
      const { storage, peer, clock } = fixture();
      const { digest, fingerprint } = newRequest();
      await storage.idempotencyKeys.claim(digest, fingerprint, 60);
      clock.advance(60);
      const claims = await Promise.all(
        Array.from({ length: CALLERS }, (_, index) =>
          (index % 2 ? storage : peer).idempotencyKeys.claim(digest, fingerprint, 60),
        ),
      );
      expect(claims.filter(({ state }) => state === 'claimed')).toHaveLength(1);
    });

    test('a purge deletes what has expired, and says how many', async () => {
      const { storage, clock } = fixture();
      await storage.idempotencyKeys.purge(clock.in(DAY_SECONDS));
      const [old, live] = [newRequest(), newRequest()];
      await storage.idempotencyKeys.claim(old.digest, old.fingerprint, 60);
      await storage.idempotencyKeys.claim(live.digest, live.fingerprint, 600);
      clock.advance(61);
      expect(await storage.idempotencyKeys.purge(clock.now())).toBe(1);
      expect(await storage.idempotencyKeys.purge(clock.now())).toBe(0);
      const kept = await storage.idempotencyKeys.claim(live.digest, live.fingerprint, 60);
      expect(kept).toMatchObject({ state: 'pending' });
    });
  });
}
