import { type DurableStorage, type FeedEvent, openMemory, type SharedStorage } from '@latchkey/storage';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { makeApiKey } from './support/api-keys.ts';
import { startAuth, type TestAuth } from './support/auth-server.ts';
import { failing } from './support/failing.ts';
import { authorize, basic, postForm, redeem, refresh, signIn } from './support/http.ts';
import { REDIRECT_URI, type Records, type RegisteredClient, seed } from './support/records.ts';
import { openStores, type TestStores } from './support/stores.ts';

/** Which real store is cut off: every call fails as it does when the server does not answer. */
let away: 'durable' | 'shared' | undefined;
let offsetMs = 0;
const now = () => new Date(Date.now() + offsetMs);
let stores: TestStores;
let memory: SharedStorage;
let auth: TestAuth;
let records: Records;
let client: RegisteredClient;

beforeAll(async () => {
  stores = await openStores();
  const durable: DurableStorage = failing(stores.durable, () => away === 'durable');
  memory = openMemory();
  const shared: SharedStorage = failing(memory, () => away === 'shared');
  auth = await startAuth({ durable, shared: [shared], now });
  records = await seed(stores.durable, auth.config.pepper);
  client = await records.addClient();
});
beforeEach(() => {
  away = undefined;
});
afterAll(async () => {
  away = undefined;
  await auth?.close();
  await stores?.close();
});

const UNAVAILABLE = { status: 503, body: { error: 'temporarily_unavailable' } };
const token = (form: Record<string, string>) => postForm(`${auth.issuer}/oauth/token`, form, basic(client));
const flow = () =>
  authorize(auth.issuer, { client, email: records.account.email, scope: 'openid work-orders:read' });

test('a code survives an outage of the shared store: 503 with Retry-After, then success', async () => {
  const { code, verifier } = await flow();
  away = 'shared';
  const refused = await redeem(auth.issuer, client, { code, verifier });
  expect(refused).toMatchObject(UNAVAILABLE);
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  away = undefined;
  expect((await redeem(auth.issuer, client, { code, verifier })).status).toBe(200);
});

test('a refresh token survives an outage of the database: 503, then success', async () => {
  const request = { client, email: records.account.email, scope: 'work-orders:read' };
  const { body } = await signIn(auth.issuer, request);
  away = 'durable';
  expect(await refresh(auth.issuer, client, body.refresh_token ?? '')).toMatchObject(UNAVAILABLE);
  away = undefined;
  expect((await refresh(auth.issuer, client, body.refresh_token ?? '')).status).toBe(200);
});

test('client credentials go on from memory without either store, as long as copies are fresh', async () => {
  const form = { grant_type: 'client_credentials', scope: 'work-orders:read' };
  expect((await token(form)).status).toBe(200);
  away = 'durable';
  expect((await token(form)).status).toBe(200);
  away = 'shared';
  expect((await token(form)).status).toBe(200);
  away = 'durable';
  offsetMs += 6_000;
  expect(await token(form)).toMatchObject(UNAVAILABLE);
});

test('introspection says 503 rather than guess', async () => {
  const { body } = await token({ grant_type: 'client_credentials', scope: 'work-orders:read' });
  away = 'durable';
  const form = { token: body.access_token ?? '' };
  expect(await postForm(`${auth.issuer}/oauth/introspect`, form, basic(client))).toMatchObject(UNAVAILABLE);
});

test('sign-in shows a page with 503, and keys and metadata are served all the same', async () => {
  const authorization = new URL('/oauth/authorize', auth.issuer);
  authorization.search = new URLSearchParams({
    client_id: client.id,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid work-orders:read',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
  }).toString();
  const form = await fetch(authorization, { redirect: 'manual' });
  expect(form.headers.get('location')).toContain('/interaction/');
  for (const store of ['shared', 'durable'] as const) {
    away = store;
    offsetMs += 6_000;
    const page = await fetch(authorization, { headers: { accept: 'text/html' }, redirect: 'manual' });
    expect(page.status, store).toBe(503);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.headers.get('retry-after')).toMatch(/^\d+$/);
    for (const path of ['/oauth/jwks', '/.well-known/openid-configuration', '/healthz']) {
      expect((await fetch(`${auth.issuer}${path}`)).status, `${store} ${path}`).toBe(200);
    }
    expect((await fetch(`${auth.issuer}/readyz`)).status).toBe(503);
  }
});

test('request limits hold without the shared store, as this process’s share, and are never an error', async () => {
  const alone = await startAuth({
    durable: stores.durable,
    shared: [failing(openMemory(), () => away === 'shared')],
    more: {
      limits: { introspection: 5 },
      encryptionKey: auth.config.encryptionKey,
      pepper: auth.config.pepper,
    },
  });
  away = 'shared';
  try {
    const statuses: number[] = [];
    for (let index = 0; index < 12; index++) {
      const answer = await postForm(`${alone.issuer}/oauth/introspect`, { token: 'a.b.c' }, basic(client));
      expect(answer.headers.get('x-ratelimit-limit')).toBe('5');
      statuses.push(answer.status);
    }
    // A minute may end in between, and another begin.
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(10);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
  } finally {
    await alone.close();
  }
});

test('an API key that ends while the shared store is away: all processes are told once it is back', async () => {
  const heard: FeedEvent[] = [];
  const follower = await memory.feed.follow({ onEvent: (event) => void heard.push(event), onGap() {} });
  const { key, apiKey } = await makeApiKey({ auth, records, stores, client });
  away = 'shared';
  heard.length = 0;
  expect((await postForm(`${auth.issuer}/oauth/revoke`, { token: key })).status).toBe(200);
  expect(heard).toEqual([]);
  away = undefined;
  await vi.waitFor(() => expect(heard).toEqual([{ type: 'api_key', id: apiKey.id }]), 3_000);
  await follower.close();
});
