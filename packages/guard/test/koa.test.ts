import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKoaGuard, type Principal, REFUSALS } from '../src/index.ts';
import { AUDIENCE, createKey, createKeyServer, createTestGuard, encode, NOW, sign } from './issuer.ts';

const key = await createKey('k1');
const keyServer = createKeyServer(key);
const revocations = { isRevoked: ({ jti }: { jti: string }) => jti === 'revoked' };
let server: Server;
let keyless: Server;

beforeAll(async () => {
  [server, keyless] = await Promise.all([start(keyServer), start(createKeyServer())]);
});
afterAll(() => {
  for (const running of [server, keyless]) running.close().closeAllConnections();
});

async function listen(app: Koa): Promise<Server> {
  const listening = createServer(app.callback()).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return listening;
}

function start(keys: ReturnType<typeof createKeyServer>) {
  const { authenticate, requireScopes, metadata } = createKoaGuard(createTestGuard(keys, { revocations }));
  const app = new Koa();
  app.use(metadata);
  app.use(authenticate);
  app.use(requireScopes('orders:read'));
  app.use((ctx) => {
    const principal: Principal = ctx.state.principal;
    ctx.body = { account: principal.accountId };
  });
  return listen(app);
}

const url = (path = '/', of = server) => `http://127.0.0.1:${(of.address() as AddressInfo).port}${path}`;
const send = (authorization?: string, path?: string, init: RequestInit = {}) =>
  fetch(url(path), { ...init, headers: { ...init.headers, ...(authorization ? { authorization } : {}) } });
const bearer = async (...args: [Record<string, unknown>?, Record<string, unknown>?]) =>
  `Bearer ${await sign(key, ...args)}`;

test('a request with a good token gets through, with its principal', async () => {
  const response = await send(await bearer());
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ account: 'user_1' });
});

test('RFC 9728 §3: the metadata is served without credentials, to any origin', async () => {
  const response = await send(undefined, '/.well-known/oauth-protected-resource');
  expect(response.status).toBe(200);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(await response.json()).toMatchObject({ resource: AUDIENCE });
});

/** Two header lines, which fetch would fold into one. */
function sendTwice(authorization: string): Promise<Response> {
  return new Promise((resolve, reject) => {
    const sent = request(url(), (answer) => {
      const headers = new Headers(answer.headers as Record<string, string>);
      const chunks: Buffer[] = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () =>
        resolve(new Response(Buffer.concat(chunks), { status: answer.statusCode ?? 0, headers })),
      );
    });
    sent.setHeader('Authorization', [authorization, authorization]);
    sent.on('error', reject).end();
  });
}

const form = (body: string) => ({ method: 'POST', body: new URLSearchParams(body) });
const unpublished = createKey('k9');

/** A request for each reason of the README's table. */
const requests: Record<string, () => Promise<Response>> = {
  credentials_missing: () => send('Basic dTpw'),
  credentials_repeated: async () => sendTwice(await bearer()),
  credentials_malformed: () => send('Bearer not,a,token'),
  credentials_too_large: () => send(`Bearer ${'a'.repeat(9000)}`),
  token_in_url: async () => send(await bearer(), '/?access_token=x'),
  token_in_body: () => send(undefined, '/', form('a=b&access_token=x')),
  token_malformed: () => send('Bearer opaque'),
  type_wrong: async () => send(await bearer({}, { typ: 'JWT' })),
  algorithm_refused: () => send(`Bearer ${encode({ alg: 'none', typ: 'at+jwt' })}.${encode({})}.AA`),
  issuer_wrong: async () => send(await bearer({ iss: 'https://evil.test' })),
  audience_wrong: async () => send(await bearer({ aud: 'https://other.test' })),
  key_unknown: async () => send(`Bearer ${await sign(await unpublished)}`),
  signature_wrong: async () => send(`Bearer ${await sign({ ...(await unpublished), kid: 'k1' })}`),
  token_expired: async () => send(await bearer({ exp: NOW - 1 })),
  token_not_yet_valid: async () => send(await bearer({ nbf: NOW + 60 })),
  claims_wrong: async () => send(await bearer({ jti: 7 })),
  proof_required: async () => send(await bearer({ cnf: { jkt: 'x' } })),
  token_revoked: async () => send(await bearer({ jti: 'revoked' })),
  scope_insufficient: async () => send(await bearer({ scope: 'orders:write' })),
  keys_unavailable: async () => fetch(url('/', keyless), { headers: { authorization: await bearer() } }),
};

const table = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1')))
  .filter((cells) => cells.length === 7 && /^\d+$/.test(cells[3] ?? ''));

test('the table of the README has every reason', () => {
  expect(table.map((cells) => cells[2])).toEqual(Object.keys(REFUSALS));
});

describe('the README says what a caller sees', () => {
  test.each(table)('%s%s: %s is a %s %s, "%s"', async (_, __, reason, status, code, words) => {
    const response = await requests[reason ?? '']?.();
    expect(response?.status).toBe(Number(status));
    expect(await response?.json()).toEqual({ error: code, error_description: words });
    expect(response?.headers.get('cache-control')).toBe('no-store');
    const challenge = response?.headers.get('www-authenticate') ?? null;
    const metadata = `resource_metadata="${AUDIENCE}/.well-known/oauth-protected-resource"`;
    if (status === '503') {
      expect(challenge).toBeNull();
      expect(response?.headers.get('retry-after')).toBe('2');
    } else if (reason === 'credentials_missing') {
      expect(challenge).toBe(`Bearer ${metadata}`);
    } else {
      const scope = reason === 'scope_insufficient' ? 'scope="orders:read", ' : '';
      expect(challenge).toBe(`Bearer error="${code}", error_description="${words}", ${scope}${metadata}`);
    }
  });
});

describe('a form without credentials', () => {
  test('that carries no token is a request without credentials', async () => {
    expect((await send(undefined, '/', form('a=b'))).status).toBe(401);
  });

  test('is read to a bound only: a token far behind it goes unnoticed, the answer comes all the same', async () => {
    const response = await send(undefined, '/', form(`a=${'x'.repeat(200_000)}&access_token=x`));
    expect(response.status).toBe(401);
  });
});

test('a service can answer refusals in its own way', async () => {
  const { authenticate } = createKoaGuard(createTestGuard(keyServer), {
    onRefusal: (ctx, { reason }) => {
      ctx.status = 418;
      ctx.body = reason;
    },
  });
  const app = new Koa();
  app.use(authenticate);
  const own = await listen(app);
  const response = await fetch(url('/', own));
  expect([response.status, await response.text()]).toEqual([418, 'credentials_missing']);
  own.close().closeAllConnections();
});
