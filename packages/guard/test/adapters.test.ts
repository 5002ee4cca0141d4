import { describe, expect, onTestFinished, test } from 'vitest';
import { createMemoryPermits, createRateLimiter, type GuardError, type RoutePolicy } from '../src/index.ts';
import {
  type Adapt,
  adaptExpress,
  adaptFastify,
  adaptFetch,
  adaptKoa,
  type Message,
  type Plan,
} from './adapted.ts';
import { AUDIENCE, createKey, createKeyServer, createTestGuard, sign } from './issuer.ts';

const key = await createKey('k1');
const keyServer = createKeyServer(key);
const bearer = async (claims?: Record<string, unknown>) => `Bearer ${await sign(key, claims)}`;
const authorized = async (...values: string[]): Promise<Message> => ({
  headers: (values.length === 0 ? [await bearer()] : values).map((value) => ['Authorization', value]),
});
const challenge = `resource_metadata="${AUDIENCE}/.well-known/oauth-protected-resource"`;

const ADAPTERS: [string, Adapt][] = [
  ['Koa', adaptKoa],
  ['Express', adaptExpress],
  ['Fastify', adaptFastify],
  ['fetch', adaptFetch],
];

describe.each(ADAPTERS)('behind %s', (_, adapt) => {
  async function start(plan: Partial<Plan> & { policy?: RoutePolicy } = {}) {
    const limiter = createRateLimiter({ permits: createMemoryPermits() });
    const guard = createTestGuard(keyServer, { limiter, requireHttps: false });
    const adapted = await adapt({ guard, policy: { scope: 'orders:read' }, ...plan });
    onTestFinished(async () => {
      limiter.close();
      await adapted.close();
    });
    return adapted;
  }

  test('the handler is given the principal, and its answer stays as it is but for the limits', async () => {
    const { send, principals } = await start();
    const response = await send('/orders?page=2', await authorized());
    expect(response.status).toBe(200);
    expect(response.headers.get('x-own')).toBe('kept');
    expect(response.headers.get('x-ratelimit-limit')).toBe('1000');
    expect(response.headers.get('ratelimit')).toMatch(/^"[a-z_]+";r=999;t=\d+$/);
    expect(await response.json()).toEqual({ account: 'user_1' });
    expect(principals).toMatchObject([{ kind: 'user', accountId: 'user_1', organizationId: 'org_1' }]);
  });

  test('a request without credentials does not reach the handler, and its answer is not kept', async () => {
    const { send, principals } = await start();
    const response = await send('/orders');
    expect(response.status).toBe(401);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('www-authenticate')).toBe(`Bearer ${challenge}`);
    expect(await response.json()).toEqual({
      error: 'unauthorized',
      error_description:
        'Credentials are required: send Authorization: Bearer with an access token or API key',
    });
    expect(principals).toEqual([]);
  });

  test('a refusal after the limits were counted says where they stand', async () => {
    const { send } = await start({ policy: { scope: 'orders:delete' } });
    const response = await send('/orders', await authorized());
    expect(response.status).toBe(403);
    expect(response.headers.get('x-ratelimit-remaining')).toBe('999');
    expect(response.headers.get('www-authenticate')).toContain('scope="orders:delete"');
  });

  test('above the limit of a route nothing is answered but when to come again', async () => {
    const policy = { name: 'GET /orders', limit: { requests: 2, windowSeconds: 3600 } };
    const { send, principals } = await start({ policy });
    const statuses = [];
    for (let count = 0; count < 2; count += 1)
      statuses.push((await send('/orders', await authorized())).status);
    const refused = await send('/orders', await authorized());
    expect([...statuses, refused.status]).toEqual([200, 200, 429]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('0');
    expect(principals).toHaveLength(2);
  });

  test.each([
    ['twice the same', 'Bearer abc', 'Bearer abc'],
    ['another scheme first', 'Basic dTpw', 'Bearer abc'],
    ['another scheme last', 'Bearer abc', 'Basic dTpw'],
  ])('several Authorization headers are refused, good ones too: %s', async (_title, ...values) => {
    const { send, principals } = await start();
    const good = await bearer();
    const sent = values.map((value) => value.replace('Bearer abc', good));
    const response = await send('/orders', await authorized(...sent));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error_description: 'Send one Authorization header, not several',
    });
    expect(principals).toEqual([]);
  });

  test.each([
    ['Digest username="u", realm="r", uri="/"', 401, 'unauthorized'],
    ['Bearer not,a,token', 400, 'invalid_request'],
  ])('one Authorization header with commas in it is one: %s', async (value, status, error) => {
    const { send } = await start();
    const response = await send('/orders', await authorized(value));
    expect(response.status).toBe(status);
    const body = await response.json();
    expect(body).toMatchObject({ error });
    expect(body).not.toMatchObject({ error_description: 'Send one Authorization header, not several' });
  });

  test('a token in the URL is refused beside a good header', async () => {
    const { send, principals } = await start();
    const response = await send('/orders?access_token=x', await authorized());
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
    expect(principals).toEqual([]);
  });

  test.each([
    ['says so', 'a=b&access_token=x', 400, 'invalid_request'],
    ['a form without one is a request without credentials', 'a=b', 401, 'unauthorized'],
    [
      'one far behind the start goes unnoticed',
      `a=${'x'.repeat(200_000)}&access_token=x`,
      401,
      'unauthorized',
    ],
  ])('a token in a form: %s', async (_title, body, status, error) => {
    const { send } = await start();
    const response = await send('/orders', {
      method: 'POST',
      headers: [
        ['Content-Type', 'application/x-www-form-urlencoded'],
        ['Content-Length', String(body.length)],
      ],
      body,
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error });
    // What was not read of it does not stand in the way of the connection's next request.
    expect((await send('/orders', await authorized())).status).toBe(200);
  });

  test('what a handler throws goes where it always goes', async () => {
    const { send } = await start();
    const response = await send('/broken', await authorized());
    expect([response.status, await response.text()]).toEqual([500, 'broken']);
    expect(response.headers.has('x-ratelimit-limit')).toBe(adapt !== adaptFetch);
  });

  test('RFC 9728 §3: the metadata is served without credentials, to any origin', async () => {
    const { send } = await start();
    for (const method of ['GET', 'HEAD']) {
      const response = await send('/.well-known/oauth-protected-resource?x=y', { method });
      expect(response.status).toBe(200);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      if (method === 'GET') expect(await response.json()).toMatchObject({ resource: AUDIENCE });
    }
  });

  test('a service can answer refusals in its own way', async () => {
    const { send } = await start({ own: ({ reason }) => reason });
    const response = await send('/orders');
    expect([response.status, await response.text()]).toEqual([418, 'credentials_missing']);
  });

  test('a refusal whose own answer fails later goes where what a handler throws goes', async () => {
    const { send } = await start({ own: () => Promise.reject(new Error('no template')) });
    const response = await send('/broken');
    expect([response.status, await response.text()]).toEqual([500, 'no template']);
  });
});

describe.each<[string, Adapt]>([
  ['Express', adaptExpress],
  ['Fastify', adaptFastify],
])('behind %s, when somebody answers while the guard asks for keys', (_, adapt) => {
  test.each([
    ['admitted', async () => authorized()],
    ['refused', async () => authorized(await bearer({ jti: 7 }))],
  ])('a request that would be %s goes no further, and its answer stays as it is', async (_title, message) => {
    // A guard that has no keys yet must fetch them before it can tell.
    const guard = createTestGuard(createKeyServer(key), { requireHttps: false });
    const refused: string[] = [];
    const own = ({ reason }: GuardError) => String(refused.push(reason));
    const { send, principals, close } = await adapt({ guard, policy: {}, own });
    onTestFinished(close);
    const response = await send('/late', await message());
    expect([response.status, await response.text()]).toEqual([200, 'timed out']);
    expect(response.headers.get('www-authenticate')).toBeNull();
    expect((await send('/orders', await authorized())).status).toBe(200);
    expect(principals).toHaveLength(1);
    expect(refused).toEqual([]);
  });
});
