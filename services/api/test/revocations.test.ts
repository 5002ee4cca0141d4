import { createLogger } from '@latchkey/service';
import type { FeedHandlers, Revocation } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createRevocationFollower, createRevocationSet } from '../src/revocations.ts';
import { startApi, type TestApi } from './harness.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const nowSeconds = () => Math.floor(Date.now() / 1000);
const revocation = (subject: Revocation['subject'], id: string, revokedAt = new Date()): Revocation => ({
  subject,
  id,
  revokedAt,
  expiresAt: new Date(Date.now() + 3_600_000),
});

describe('a token that worked is refused after one event of the feed, without a restart', () => {
  const grown = { sub: 'user_r', client_id: 'client_r', grant_id: 'grant_r', jti: 'jti_r' };
  test.each<[Revocation['subject'], (organization: string) => string]>([
    ['token', () => 'jti_r'],
    ['grant', () => 'grant_r'],
    ['client', () => 'client_r'],
    ['account', () => 'user_r'],
    ['member', (organization) => `${organization}/user_r`],
    ['organization', (organization) => organization],
  ])('%s', async (subject, id) => {
    const { organizationId } = await api.tenant();
    const prefix = { ...grown, org_id: organizationId, env: 'live' };
    const unique = Object.fromEntries(
      Object.entries(prefix).map(([name, value]) => [
        name,
        /_r$/.test(value) ? `${value}_${subject}` : value,
      ]),
    );
    const token = await api.issuer.sign(unique);
    expect((await api.call('GET', '/api/v2/work-orders', { token })).status).toBe(200);
    const named = id(organizationId).replace(/_r$/, `_r_${subject}`);
    await api.shared.feed.publish({ type: 'revocation', revocation: revocation(subject, named) });
    const { status, body } = await api.call('GET', '/api/v2/work-orders', { token });
    expect([status, body.error]).toEqual([401, 'invalid_token']);
    expect(body.error_description).toBe('The access token has been revoked');
    const later = await api.issuer.sign({ ...unique, jti: 'later', iat: nowSeconds() + 3 });
    // A grant never comes back, whatever the clocks say; the others may be enabled again.
    const expected = subject === 'grant' ? 401 : 200;
    expect((await api.call('GET', '/api/v2/work-orders', { token: later })).status).toBe(expected);
  });
});

describe('the follower', () => {
  const claims = (jti: string) => ({ jti, iat: nowSeconds() - 5, sub: 'a', client_id: 'b' }) as never;
  const logger = createLogger({ service: 'test', level: 'silent' });

  function start(list: () => Promise<Revocation[]>) {
    let handlers: FeedHandlers | undefined;
    let closed = false;
    const follower = createRevocationFollower({
      durable: { revocations: { list } as never },
      shared: {
        feed: {
          publish: async () => {},
          follow: async (given) => {
            handlers = given;
            return {
              close: async () => {
                closed = true;
              },
            };
          },
        },
      },
      logger,
      onSigningKeys: () => {},
    });
    return { follower, handlers: () => handlers, isClosed: () => closed };
  }

  test('knows what was recorded before it started', async () => {
    const { follower, isClosed } = start(async () => [revocation('token', 'old')]);
    await follower.start();
    expect([follower.isRevoked(claims('old')), follower.isRevoked(claims('other'))]).toEqual([true, false]);
    await follower.stop();
    expect(isClosed()).toBe(true);
  });

  test('misses nothing that is published while it reads the record', async () => {
    const started = start(async () => {
      started.handlers()?.onEvent({ type: 'revocation', revocation: revocation('token', 'meanwhile') });
      return [];
    });
    await started.follower.start();
    expect(started.follower.isRevoked(claims('meanwhile'))).toBe(true);
    await started.follower.stop();
  });

  test('reads the record anew from time to time: a revocation that could not be published is not lost', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const record: Revocation[] = [];
    const { follower } = start(async () => record);
    await follower.start();
    record.push(revocation('token', 'unpublished'));
    expect(follower.isRevoked(claims('unpublished'))).toBe(false);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(follower.isRevoked(claims('unpublished'))).toBe(true);
    await follower.stop();
  });

  test('reads the record anew after a gap, and forgets nothing when that fails', async () => {
    const answers = [
      async () => [revocation('token', 'first')],
      async () => Promise.reject(new Error('away')),
      async () => [revocation('token', 'second')],
    ];
    const { follower, handlers } = start(() => (answers.shift() ?? (async () => []))());
    await follower.start();
    handlers()?.onGap();
    expect(follower.isRevoked(claims('first'))).toBe(true);
    await expect.poll(() => follower.isRevoked(claims('second')), { timeout: 5000 }).toBe(true);
    expect(follower.isRevoked(claims('first'))).toBe(true);
    await follower.stop();
  });

  test('does not start without the record', async () => {
    await expect(start(() => Promise.reject(new Error('away'))).follower.start()).rejects.toThrow('away');
  });
});

describe('the set of revocations', () => {
  const claims = (fields: object) =>
    ({ jti: 'j', sub: 'user', client_id: 'client', iat: 1000, ...fields }) as never;

  test('reaches tokens issued in the second of the revocation or before, and no later ones', () => {
    const set = createRevocationSet();
    set.add(revocation('client', 'client', new Date(1_000_900)));
    expect([999, 1000, 1001].map((iat) => set.reaches(claims({ iat })))).toEqual([true, true, false]);
  });

  test('keeps the later instant of two, in whichever order they come', () => {
    const set = createRevocationSet();
    for (const seconds of [1005, 1000]) set.add(revocation('grant', 'g', new Date(seconds * 1000)));
    expect(set.reaches(claims({ grant_id: 'g', iat: 1005 }))).toBe(true);
    expect(set.size).toBe(1);
  });

  test('does not take a client for an account of the same name', () => {
    const set = createRevocationSet();
    set.add(revocation('account', 'client'));
    expect(set.reaches(claims({ sub: 'client' }))).toBe(false);
  });

  test('forgets what has expired', () => {
    const set = createRevocationSet();
    set.add(revocation('token', 'j'));
    set.purge(new Date(Date.now() + 3_599_000));
    expect(set.size).toBe(1);
    set.purge(new Date(Date.now() + 3_601_000));
    expect(set.size).toBe(0);
  });
});
