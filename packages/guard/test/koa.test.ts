import { afterAll, describe, expect, test } from 'vitest';
import { AUDIENCE, createKey, createKeyServer, createTestGuard, sign } from './issuer.ts';
import { type KoaServer, PROXY, serveKoa } from './koa-server.ts';
import { createLimiter, createLookup } from './ports.ts';

const key = await createKey('k1');
const apiKeys = createLookup();
const guard = createTestGuard(createKeyServer(key), {
  apiKeys,
  limiter: createLimiter(),
  trustedProxies: [PROXY],
});
const server = await serveKoa(guard, { scope: 'orders:read' });
const own: KoaServer[] = [];
afterAll(() => {
  for (const running of [server, ...own]) running.close();
});
const form = (body: string) => ({ method: 'POST', body: new URLSearchParams(body) });

test('a request with a good token gets through, with its principal, the limits and HSTS', async () => {
  const response = await server.send(`Bearer ${await sign(key)}`);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ account: 'user_1' });
  expect(response.headers.get('x-ratelimit-limit')).toBe('1000');
  expect(response.headers.get('ratelimit-policy')).toBe('"organization";q=1000;w=60');
  expect(response.headers.get('strict-transport-security')).toBe('max-age=31536000');
});

test('a request with a good API key gets through, the first time and afterwards', async () => {
  const { authorization, id } = apiKeys.issue();
  for (let count = 0; count < 2; count += 1) {
    const response = await server.send(authorization);
    expect([response.status, await response.json()]).toEqual([200, { key: id }]);
  }
});

test('RFC 9728 §3: the metadata is served without credentials, to any origin', async () => {
  const response = await server.send(undefined, '/.well-known/oauth-protected-resource');
  expect(response.status).toBe(200);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(await response.json()).toMatchObject({ resource: AUDIENCE });
});

describe('a form without credentials', () => {
  test('that carries no token is a request without credentials', async () => {
    expect((await server.send(undefined, '/', form('a=b'))).status).toBe(401);
  });

  test('is read to a bound only: a token far behind it goes unnoticed, the answer comes all the same', async () => {
    const response = await server.send(undefined, '/', form(`a=${'x'.repeat(200_000)}&access_token=x`));
    expect(response.status).toBe(401);
  });
});

test('a service can answer refusals in its own way', async () => {
  const running = await serveKoa(
    guard,
    {},
    {
      onRefusal: (ctx, { reason }) => {
        ctx.status = 418;
        ctx.body = reason;
      },
    },
  );
  own.push(running);
  const response = await running.send();
  expect([response.status, await response.text()]).toEqual([418, 'credentials_missing']);
});
