import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { mintApiKey } from '@latchkey/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningExample, startExample } from './example-process.ts';
import { AUDIENCE } from './issuer.ts';
import { type IssuerServer, startIssuer } from './issuer-server.ts';

/** Plain http between a client and an example: an audience that begins with https would refuse it. */
const HTTP_AUDIENCE = AUDIENCE.replace('https:', 'http:');
const folder = new URL('../examples/', import.meta.url);

const EXAMPLES = [
  { name: 'koa', method: 'GET', path: '/v1/orders', scope: 'orders:read', status: 200 },
  { name: 'express', method: 'POST', path: '/v1/messages', scope: 'send:messages', status: 201 },
  { name: 'fastify', method: 'GET', path: '/v1/orders', scope: 'orders:read', status: 200 },
  { name: 'fetch', method: 'GET', path: '/v1/orders', scope: 'orders:read', status: 200 },
];

let issuer: IssuerServer;
const running = new Map<string, RunningExample>();

beforeAll(async () => {
  issuer = await startIssuer();
  const env = {
    ISSUER: issuer.url,
    AUDIENCE: HTTP_AUDIENCE,
    CLIENT_ID: issuer.client.id,
    CLIENT_SECRET: issuer.client.secret,
  };
  const starting = EXAMPLES.map(async ({ name }) => running.set(name, await startExample(name, env)));
  await Promise.all(starting);
});
afterAll(async () => {
  await Promise.all([...running.values()].map((example) => example.stop()));
  issuer.close();
});

const urlOf = (name: string) => running.get(name)?.url ?? '';
const token = (claims: Record<string, unknown> = {}) => issuer.token({ aud: HTTP_AUDIENCE, ...claims });

/** As a client calls it: with a JSON body where it posts. */
function call({ name, method, path }: (typeof EXAMPLES)[number], credential?: string): Promise<Response> {
  const headers = new Headers(credential === undefined ? {} : { authorization: `Bearer ${credential}` });
  if (method === 'GET') return fetch(urlOf(name) + path, { headers });
  headers.set('content-type', 'application/json');
  return fetch(urlOf(name) + path, { method, headers, body: JSON.stringify({ to: 'user_2', type: 'text' }) });
}

test('every example is under test, and none has more than thirty lines', () => {
  const files = readdirSync(folder).sort();
  expect(files).toEqual(EXAMPLES.map(({ name }) => `${name}.ts`).sort());
  for (const file of files) {
    const lines = readFileSync(new URL(file, folder), 'utf8').trimEnd().split('\n').length;
    expect(lines, file).toBeLessThanOrEqual(30);
  }
});

describe.each(EXAMPLES)('the example for $name', (example) => {
  const challenge = `resource_metadata="${HTTP_AUDIENCE}/.well-known/oauth-protected-resource"`;

  test('answers who brings a token of the issuer with the scope, as the token’s organisation', async () => {
    const response = await call(example, await token({ scope: example.scope }));
    expect(response.status).toBe(example.status);
    expect(await response.text()).toContain('org_1');
  });

  test('answers nobody without credentials, and says where to get them', async () => {
    const response = await call(example);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe(`Bearer ${challenge}`);
    expect(await response.json()).toMatchObject({ error: 'unauthorized' });
  });

  test('answers nobody without the scope, and names it', async () => {
    const response = await call(example, await token({ scope: 'other:read' }));
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toContain(`scope="${example.scope}", ${challenge}`);
    expect(await response.json()).toMatchObject({ error: 'insufficient_scope' });
  });

  test('answers nobody with another API’s token', async () => {
    const response = await call(example, await token({ scope: example.scope, aud: 'https://other.test' }));
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: 'invalid_token' });
  });

  test('tells clients which issuer it trusts', async () => {
    const response = await fetch(`${urlOf(example.name)}/.well-known/oauth-protected-resource`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      resource: HTTP_AUDIENCE,
      authorization_servers: [issuer.url],
      scopes_supported: [example.scope],
    });
  });
});

test('the example for Koa answers as often as its route allows, and then says when to come again', async () => {
  const [example] = EXAMPLES;
  if (example === undefined) throw new Error('no example');
  const credential = await token({ scope: example.scope, client_id: 'eager' });
  const responses = [await call(example, credential)];
  expect(responses[0]?.headers.get('ratelimit-policy')).toContain('q=60;w=60');
  // Should the window end in between, the next one is used up all the same.
  while (responses.at(-1)?.status === 200 && responses.length <= 120)
    responses.push(await call(example, credential));
  const refused = responses.at(-1);
  expect(refused?.status).toBe(429);
  expect(refused?.headers.get('x-ratelimit-limit')).toBe('60');
  expect(refused?.headers.get('x-ratelimit-remaining')).toBe('0');
  const retryAfter = Number(refused?.headers.get('retry-after'));
  expect(retryAfter).toBeGreaterThanOrEqual(1);
  expect(retryAfter).toBeLessThanOrEqual(60);
  expect(Number(refused?.headers.get('x-ratelimit-reset')) - Date.now() / 1000).toBeLessThanOrEqual(60);
  expect(await refused?.json()).toMatchObject({ error: 'too_many_requests' });
});

test('the example for fetch-style handlers takes plain http for what it is, whatever URL the client writes', async () => {
  const { url, stop } = await startExample('fetch', { ISSUER: issuer.url, AUDIENCE });
  const asked = request(url, { path: 'https://api.example.test/v1/orders' }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const body = await json(answer);
  await stop();
  expect([answer.statusCode, body]).toMatchObject([403, { error: 'https_required' }]);
});

describe('the example for Express takes API keys, which it asks the issuer about', () => {
  const [, express] = EXAMPLES;
  if (express === undefined) throw new Error('no example');

  test('one with the scope is answered', async () => {
    const response = await call(express, issuer.apiKey('send:messages'));
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ from: 'org_1', to: 'user_2', type: 'text' });
  });

  test('one without the scope is not', async () => {
    expect((await call(express, issuer.apiKey('orders:read'))).status).toBe(403);
  });

  test('one that the issuer does not know is not', async () => {
    const { key } = mintApiKey('live');
    expect((await call(express, key)).status).toBe(401);
  });
});

test('the example for Express does not start without an id and a secret, and says so', () => {
  const main = fileURLToPath(new URL('express.ts', folder));
  const { status, stderr } = spawnSync(process.execPath, [main], {
    env: {},
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(status).toBe(1);
  expect(stderr).toContain('introspection needs clientId, clientSecret');
});

test('every example trusts the address that npm start shows, where it is told no other', () => {
  for (const { name } of EXAMPLES)
    expect(readFileSync(new URL(`${name}.ts`, folder), 'utf8')).toContain("ISSUER = 'http://127.0.0.1:3000'");
});
