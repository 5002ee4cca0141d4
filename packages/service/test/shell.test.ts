import { connect } from 'node:net';
import { Writable } from 'node:stream';
import Koa from 'koa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createHealth,
  createLogger,
  createMetrics,
  createTrustedProxies,
  type Health,
  HttpError,
  installShell,
  listen,
  type Metrics,
  type RunningServer,
  readJson,
} from '../src/index.ts';

let server: RunningServer;
let lines: Record<string, unknown>[];
let health: Health;
let metrics: Metrics;
let broken = false;

beforeEach(async () => {
  lines = [];
  broken = false;
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  health = createHealth({
    store: async () => {
      if (broken) throw new Error('away');
    },
  });
  metrics = createMetrics('test');
  const app = new Koa();
  installShell(app, {
    logger: createLogger({ service: 'test', level: 'debug' }, sink),
    metrics,
    health,
    trustedProxies: createTrustedProxies(['127.0.0.1', '10.0.0.0/8']),
    renderErrorPage: (error, ctx) => `<h1>${error.code} ${ctx.state.requestId}</h1>`,
  });
  app.use(async (ctx) => {
    if (ctx.path === '/host') ctx.body = { host: ctx.host, href: ctx.href };
    if (ctx.path === '/ip') ctx.body = { ip: ctx.ip };
    if (ctx.path === '/boom') throw new Error('the private cause');
    if (ctx.path === '/conflict')
      throw new HttpError('conflict', { description: 'Taken', cause: new Error('x') });
    if (ctx.path === '/away') throw Object.assign(new Error('no'), { name: 'StorageUnavailableError' });
    if (ctx.path === '/echo') ctx.body = { got: await readJson(ctx.req, 10) };
  });
  server = await listen(app.callback(), { host: '127.0.0.1', port: 0 });
});

afterEach(() => server.close(0));

const get = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${server.port}${path}`, init);

describe('the shell', () => {
  test('an unexpected error is a 500 that tells nothing, and its cause is in the log under the request id', async () => {
    const response = await get('/boom', { headers: { accept: 'application/json' } });
    const body = (await response.json()) as { request_id: string };
    expect(response.status).toBe(500);
    expect(body).toEqual({
      error: 'server_error',
      error_description: 'Something went wrong on our side',
      request_id: response.headers.get('x-request-id'),
    });
    const line = lines.find((entry) => entry.msg === 'request failed');
    expect(line).toMatchObject({ request_id: body.request_id, err: { message: 'the private cause' } });
  });

  test('a person gets a page, a program JSON', async () => {
    const page = await get('/conflict', { headers: { accept: 'text/html' } });
    expect(page.status).toBe(409);
    expect(await page.text()).toBe(`<h1>conflict ${page.headers.get('x-request-id')}</h1>`);
    const json = await get('/conflict', { headers: { accept: '*/*' } });
    expect(await json.json()).toMatchObject({ error: 'conflict', error_description: 'Taken' });
  });

  test('a store that is away is a 503 that says when to come back', async () => {
    const response = await get('/away');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    expect(await response.json()).toMatchObject({ error: 'temporarily_unavailable' });
  });

  test('an unknown path is a 404 in the catalog shape', async () => {
    const response = await get('/nowhere');
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: 'not_found' });
  });

  test('the log holds the path and never the query', async () => {
    await get('/ip?code=secret-code');
    expect(JSON.stringify(lines)).not.toContain('secret-code');
    expect(lines.find((entry) => entry.msg === 'request')).toMatchObject({ path: '/ip', status: 200 });
  });

  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['198.51.100.1, 203.0.113.9', '203.0.113.9'],
    ['198.51.100.1, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['not-an-address', '127.0.0.1'],
  ])('from a trusted proxy, X-Forwarded-For %s means client %s', async (header, ip) => {
    const response = await get('/ip', { headers: { 'x-forwarded-for': header } });
    expect(((await response.json()) as { ip: string }).ip).toMatch(
      new RegExp(`^(::ffff:)?${ip.replaceAll('.', '\\.')}$`),
    );
  });

  test.each([
    ['https', 'https'],
    ['HTTPS', 'https'],
    ['https, https', 'https'],
    ['https, http', 'http'],
    ['http, https', 'http'],
    ['wss', 'http'],
    ['', 'http'],
  ])('from trusted proxies, X-Forwarded-Proto "%s" means %s', async (header, scheme) => {
    const response = await get('/host', { headers: { 'x-forwarded-proto': header } });
    expect(await response.json()).toMatchObject({ href: expect.stringMatching(`^${scheme}://`) });
  });

  test('a body over the limit is refused before it is parsed', async () => {
    const response = await get('/echo', { method: 'POST', body: JSON.stringify({ a: 'x'.repeat(100) }) });
    expect(response.status).toBe(413);
    const streamed = await get('/echo', {
      method: 'POST',
      body: new Blob(['x'.repeat(100)]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(streamed.status).toBe(413);
  });

  test('malformed JSON and bytes that are not UTF-8 are 400', async () => {
    expect((await get('/echo', { method: 'POST', body: '{' })).status).toBe(400);
    expect((await get('/echo', { method: 'POST', body: new Uint8Array([0xff, 0xfe]) })).status).toBe(400);
  });

  test('readiness follows the checks and the drain; liveness does not', async () => {
    expect((await get('/readyz')).status).toBe(200);
    broken = true;
    expect(await (await get('/readyz')).json()).toEqual({ status: 'not ready', failing: ['store'] });
    health.drain();
    broken = false;
    expect(await (await get('/readyz')).json()).toEqual({ status: 'not ready', failing: ['draining'] });
    const live = await get('/healthz');
    expect(live.status).toBe(200);
    expect(live.headers.get('connection')).toBe('close');
  });

  test('requests are counted by route template and status', async () => {
    await get('/nowhere');
    expect(await metrics.registry.metrics()).toMatch(
      /http_requests_total\{method="GET",route="other",status="404",service="test"\} 1/,
    );
  });
});

function sendRaw(head: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(server.port, '127.0.0.1', () => socket.end(head));
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('close', () => resolve(text));
  socket.on('error', reject);
  return promise;
}

describe('a request target in absolute form (RFC 9112 §3.2.2)', () => {
  test('counts above the Host header, and reaches the route it names', async () => {
    const answer = await sendRaw(
      'GET http://evil.test/host HTTP/1.1\r\nHost: good.test\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toContain('{"host":"evil.test","href":"http://evil.test/host"}');
  });

  test.each(['http://[::1', 'ftp://good.test/ip', '*'])(
    '%s is malformed: 400 in the catalog shape',
    async (target) => {
      const answer = await sendRaw(
        `OPTIONS ${target} HTTP/1.1\r\nHost: good.test\r\nConnection: close\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1.1 400 /);
      expect(answer).toContain('"error":"invalid_request"');
    },
  );
});

test.each(['evil.test', 'good.test'])(
  'a second Host header, %s, is refused (RFC 9112 §3.2)',
  async (host) => {
    const answer = await sendRaw(
      `GET /host HTTP/1.1\r\nHost: good.test\r\nhost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('"error":"invalid_request"');
  },
);

test('a taken port is an error that names the variable to change', async () => {
  await expect(
    listen(() => {}, { host: '127.0.0.1', port: server.port, portVariable: 'AUTH_PORT' }),
  ).rejects.toThrow(
    `Port ${server.port} on 127.0.0.1 is taken by another program. Stop it, or set AUTH_PORT`,
  );
});

test('without a trusted proxy every forwarded header is dropped', async () => {
  const app = new Koa();
  installShell(app, {
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics: createMetrics('test'),
    health: createHealth({}),
    trustedProxies: createTrustedProxies([]),
  });
  app.use((ctx) => {
    ctx.body = { ip: ctx.ip, host: ctx.host, protocol: ctx.protocol };
  });
  const plain = await listen(app.callback(), { host: '127.0.0.1', port: 0 });
  const response = await fetch(`http://127.0.0.1:${plain.port}/`, {
    headers: {
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-host': 'evil.test',
      'x-forwarded-proto': 'https',
    },
  });
  expect(await response.json()).toEqual({
    ip: '127.0.0.1',
    host: `127.0.0.1:${plain.port}`,
    protocol: 'http',
  });
  await plain.close(0);
});

test('secrets are redacted wherever they stand in a log line', async () => {
  const written: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  createLogger({ service: 'test' }, sink).info({
    client_secret: 'hunter2',
    headers: { authorization: 'hunter2', cookie: 'hunter2' },
    request: { body: { refresh_token: 'hunter2' } },
  });
  expect(written.join('')).not.toContain('hunter2');
  expect(written.join('')).toContain('[redacted]');
});

test('an error is logged by type, message, code, stack and cause, and nothing else it carries', async () => {
  const written: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  const cause = Object.assign(new Error('duplicate key'), {
    code: '23505',
    detail: 'Key (email)=(ada@acme.example)',
  });
  createLogger({ service: 'test' }, sink).error({ err: new Error('conflict', { cause }) });
  expect(JSON.parse(written.join(''))).toMatchObject({
    err: { type: 'Error', message: 'conflict', cause: { message: 'duplicate key', code: '23505' } },
  });
  expect(written.join('')).not.toContain('ada@acme.example');
});

test('a stop lets a request in flight finish', async () => {
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const { promise: release, resolve: finish } = Promise.withResolvers<void>();
  const slow = await listen(
    async (_request, response) => {
      start();
      await release;
      response.end('done');
    },
    { host: '127.0.0.1', port: 0 },
  );
  const answer = fetch(`http://127.0.0.1:${slow.port}/`);
  await started;
  const closed = slow.close();
  finish();
  expect(await (await answer).text()).toBe('done');
  await closed;
});
