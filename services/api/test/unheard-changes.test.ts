/** Changes whose announcement this process does not hear, or not yet. */
import { type FeedEvent, openMemory, StorageUnavailableError } from '@latchkey/storage';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startApi, type TestApi, type TestApiOptions } from './harness.ts';

const ORDERS = '/api/v2/work-orders';

async function start(options: TestApiOptions = {}): Promise<TestApi> {
  const api = await startApi(options);
  onTestFinished(() => api.close());
  return api;
}

/** Stores in memory whose feed takes nothing while `away`. */
function unreliable() {
  const shared = openMemory();
  const state = { away: false };
  const publish = async (event: FeedEvent) => {
    if (state.away) throw new StorageUnavailableError('the feed is away');
    await shared.feed.publish(event);
  };
  return { state, shared: { ...shared, feed: { ...shared.feed, publish } } };
}

test('a key that is revoked while the feed is away is refused at once by the process that did it', async () => {
  const { shared, state } = unreliable();
  const api = await start({ shared });
  const tenant = await api.tenant();
  const { key, apiKey } = await api.createKey(tenant);
  const use = () => api.call('GET', ORDERS, { token: key });
  expect((await use()).status).toBe(200);
  state.away = true;
  expect((await api.call('POST', `/api/v2/api-keys/${apiKey.id}/revoke`, { tenant })).status).toBe(200);
  const { status, body } = await use();
  expect([status, body.error_description]).toEqual([401, 'The API key has been revoked']);
});

test('all other processes are told of it as soon as the feed is back, without a second request', async () => {
  const { shared, state } = unreliable();
  const api = await start({ shared });
  const tenant = await api.tenant();
  const { apiKey } = await api.createKey(tenant);
  const heard: FeedEvent[] = [];
  await shared.feed.follow({ onEvent: (event) => void heard.push(event), onGap() {} });
  state.away = true;
  await api.call('POST', `/api/v2/api-keys/${apiKey.id}/revoke`, { tenant });
  expect(heard).toEqual([]);
  state.away = false;
  await vi.waitFor(() => expect(heard).toEqual([{ type: 'api_key', id: apiKey.id }]), 3_000);
});

/** A process whose own clock the test holds. */
async function startStanding() {
  const clock = { at: 0 };
  const api = await start({ monotonic: () => clock.at });
  return { api, clock };
}

test('after a standstill no request is answered by what was known before it', async () => {
  const { api, clock } = await startStanding();
  const tenant = await api.tenant();
  const { key, apiKey } = await api.createKey(tenant);
  const { id: other } = (await api.createKey(tenant)).apiKey;
  const claims = { org_id: tenant.organizationId, env: 'live', jti: crypto.randomUUID() };
  const token = await api.issuer.sign(claims);
  const use = async () =>
    Promise.all([key, token].map((bearer) => api.call('GET', ORDERS, { token: bearer })));
  expect((await use()).map(({ status }) => status)).toEqual([200, 200]);
  // As by another process: the event lies in the feed's socket, behind the requests.
  await api.durable.apiKeys.update(apiKey.id, { revokedAt: new Date() });
  const ends = { revokedAt: new Date(), expiresAt: new Date(Date.now() + 3_600_000) };
  await api.durable.revocations.put({ subject: 'token', id: claims.jti, ...ends });
  clock.at += 5_000;
  expect((await use()).map(({ body }) => body.error_description)).toEqual([
    'The API key has been revoked',
    'The access token has been revoked',
  ]);
  expect((await api.call('GET', `/api/v2/api-keys/${other}`, { tenant })).status).toBe(200);
});

test('after a standstill with PostgreSQL away requests are answered by what is known', async () => {
  const { api, clock } = await startStanding();
  const { key } = await api.createKey(await api.tenant(), { scopes: ['work-orders:read'] });
  const use = () => api.call('GET', '/api/v2/operations', { token: key });
  expect((await use()).body.error).toBe('insufficient_scope');
  await api.durable.close();
  clock.at += 5_000;
  expect((await use()).body.error).toBe('insufficient_scope');
});
