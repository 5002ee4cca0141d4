import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  createRevocationFollower,
  type FeedEvent,
  type FeedHandlers,
  type Revocation,
  type RevocationFollowerOptions,
} from '../src/index.ts';
import { CLAIMS, NOW } from './issuer.ts';

const EXPIRES = NOW + 3600;
const revocation = (jti: string): Revocation => ({
  subject: 'token',
  id: jti,
  revokedAt: new Date(NOW * 1000),
  expiresAt: new Date(EXPIRES * 1000),
});
const event = (jti: string): FeedEvent => ({ type: 'revocation', revocation: revocation(jti) });

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** A follower over a feed and a record in the test's hands, and what it told. */
function create(list: () => Promise<Revocation[]>, options: Partial<RevocationFollowerOptions> = {}) {
  const told: unknown[] = [];
  const feed: { handlers?: FeedHandlers; closed: boolean } = { closed: false };
  const clock = { seconds: NOW };
  const follower = createRevocationFollower({
    feed: {
      async follow(handlers) {
        feed.handlers = handlers;
        return {
          async close() {
            feed.closed = true;
          },
        };
      },
    },
    record: { list },
    onWarning: (error) => told.push(error),
    onSigningKeys: () => told.push('signing keys'),
    onEvent: (given) => told.push(given),
    onGap: () => told.push('gap'),
    onReread: () => told.push('reread'),
    now: () => clock.seconds * 1000,
    ...options,
  });
  const revoked = (...ids: string[]) =>
    ids.map((jti) =>
      follower.isRevoked({ ...CLAIMS, jti } as unknown as Parameters<typeof follower.isRevoked>[0]),
    );
  return { follower, feed, told, clock, revoked };
}

test('knows what was recorded before it started', async () => {
  const { follower, feed, revoked } = create(async () => [revocation('old')]);
  await follower.start();
  expect(revoked('old', 'other')).toEqual([true, false]);
  await follower.stop();
  expect(feed.closed).toBe(true);
});

test('does not start without the record', async () => {
  await expect(create(() => Promise.reject(new Error('away'))).follower.start()).rejects.toThrow('away');
});

test('misses nothing that is published while it reads the record', async () => {
  const made = create(async () => {
    made.feed.handlers?.onEvent(event('meanwhile'));
    return [];
  });
  await made.follower.start();
  expect(made.revoked('meanwhile')).toEqual([true]);
});

test('a revocation that is published counts at once', async () => {
  const { follower, feed, revoked } = create(async () => []);
  await follower.start();
  expect(revoked('now')).toEqual([false]);
  feed.handlers?.onEvent(event('now'));
  expect(revoked('now')).toEqual([true]);
});

test('hands on every other event in order, and what was missed as a gap', async () => {
  const { follower, feed, told } = create(async () => []);
  await follower.start();
  const events: FeedEvent[] = [
    { type: 'api_key', id: 'key_1' },
    { type: 'organization', id: 'org_1' },
    { type: 'client', id: 'client_1' },
    { type: 'resource_server', id: 'https://api.example.test' },
  ];
  for (const given of events) feed.handlers?.onEvent(given);
  feed.handlers?.onEvent({ type: 'signing_keys' });
  feed.handlers?.onGap();
  // Keys may have changed during the gap as well.
  expect(told).toEqual([...events, 'signing keys', 'signing keys', 'gap']);
});

test('reads the record anew every 10 s: a revocation that could not be published is not lost', async () => {
  const record: Revocation[] = [];
  const { follower, told, revoked } = create(async () => record);
  await follower.start();
  record.push(revocation('unpublished'));
  await vi.advanceTimersByTimeAsync(9_999);
  expect([...revoked('unpublished'), ...told]).toEqual([false]);
  await vi.advanceTimersByTimeAsync(1);
  expect([...revoked('unpublished'), ...told]).toEqual([true, 'reread']);
});

test('reads the record after a gap until that succeeds, and forgets nothing meanwhile', async () => {
  const away = new Error('away');
  const answers = [
    async () => [revocation('first')],
    () => Promise.reject(away),
    () => Promise.reject(away),
    async () => [revocation('second')],
  ];
  const { follower, feed, told, revoked } = create(() => (answers.shift() ?? (async () => []))());
  await follower.start();
  feed.handlers?.onGap();
  await vi.advanceTimersByTimeAsync(1_999);
  expect(revoked('first', 'second')).toEqual([true, false]);
  await vi.advanceTimersByTimeAsync(1);
  expect(revoked('first', 'second')).toEqual([true, true]);
  expect(told).toEqual(['signing keys', 'gap', away, away]);
});

test('a gap during a reading leads to another reading: the first may have begun too early', async () => {
  const readings: ((revocations: Revocation[]) => void)[] = [];
  const { follower, feed, revoked } = create(
    () => new Promise<Revocation[]>((resolve) => void readings.push(resolve)),
  );
  const started = follower.start();
  await vi.waitFor(() => expect(readings).toHaveLength(1));
  readings[0]?.([]);
  await started;
  feed.handlers?.onGap();
  feed.handlers?.onGap();
  expect(readings).toHaveLength(2);
  readings[1]?.([]);
  await vi.waitFor(() => expect(readings).toHaveLength(3));
  readings[2]?.([revocation('late')]);
  await vi.waitFor(() => expect(revoked('late')).toEqual([true]));
});

test('forgets what has expired', async () => {
  let record = [revocation('old')];
  const { follower, clock, revoked } = create(async () => record);
  await follower.start();
  record = [];
  clock.seconds = EXPIRES;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(revoked('old')).toEqual([false]);
});

test('once stopped it reads no more', async () => {
  let readings = 0;
  const { follower, feed } = create(async () => {
    readings += 1;
    return [];
  });
  await follower.start();
  await follower.stop();
  feed.handlers?.onGap();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(readings).toBe(1);
});
