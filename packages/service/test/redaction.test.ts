import { mintApiKey } from '@latchkey/protocol';
import Koa from 'koa';
import { expect, test } from 'vitest';
import {
  createHealth,
  createLogger,
  createMetrics,
  createTrustedProxies,
  installShell,
  listen,
} from '../src/index.ts';
import { redactBearers, redactPath } from '../src/redaction.ts';

const { key, secret } = mintApiKey('live');
const encoded = [...key].map((character) => `%${character.charCodeAt(0).toString(16)}`).join('');

test.each([
  ['as it is', `/api/v2/${key}/x`],
  ['with its underscores percent-encoded', `/api/v2/${key.replaceAll('_', '%5F')}/x`],
  ['percent-encoded whole', `/api/v2/${encoded}/x`],
  ['percent-encoded twice', `/api/v2/${encoded.replaceAll('%', '%25')}/x`],
  ['beside a malformed escape', `/api/v2/${key.replaceAll('_', '%5f')}/x%zz%`],
  ['glued to another word', `/api/v2/my_${key}`],
  ['without its last character', `/api/v2/${key.slice(0, -1)}`],
  ['without its checksum', `/api/v2/${key.slice(0, -6)}`],
  ['and a longer text', `/api/v2/${key}abc`],
])('an API key in a path, %s, comes out redacted', (_how, path) => {
  const shown = redactPath(path);
  expect(shown).toContain('sk_live_[redacted]');
  expect(shown).not.toContain(secret.slice(0, 8));
});

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = `${part({ alg: 'ES256', typ: 'at+jwt' })}.${part({ sub: 'user_1', iat: 1 })}.c2lnbmF0dXJl`;

test.each([
  ['as it is', `/api/v2/work-orders/${token}`],
  ['with its dots percent-encoded', `/x/${token.replaceAll('.', '%2E')}/y`],
  ['without its signature', `/x/${token.slice(0, token.lastIndexOf('.') + 1)}`],
])('an access token in a path, %s, comes out redacted', (_how, path) => {
  const shown = redactPath(path);
  expect(shown).toContain('[redacted]');
  expect(shown).not.toContain('eyJ');
});

test.each([43, 64])('a random segment of %i characters in a path comes out redacted', (length) => {
  const value = 'aB3-x_9'.repeat(10).slice(0, length);
  for (const path of [`/oauth/revoke/${value}`, `//${value}`, `/x/${value.replaceAll('-', '%2D')}/y`]) {
    expect(redactPath(path)).toContain('[redacted]');
    expect(redactPath(path)).not.toContain(value);
  }
});

test.each([
  '/api/v2/work-orders',
  '/api/v2/api-keys/key_0123456789ABCDEFGHIJ/rotate',
  '/assets/icon.Wgs5EwdlioPM.svg',
  '/x/eyJhbGciOi',
  '/eyJ.eyJ.x',
  '/a%2Fb',
  '/%zz',
  '/x/sk_live_ABCDEFGH',
  '/x/task_list',
])('a path without one is left as it is: %s', (path) => {
  expect(redactPath(path)).toBe(path);
});

test('two keys in one text are both redacted, each by its environment', () => {
  const other = mintApiKey('test').key;
  expect(redactBearers(`${key} ${other}`)).toBe('sk_live_[redacted] sk_test_[redacted]');
});

test('no log line holds an API key, nor access token, wherever it stands in what was logged', () => {
  const written: string[] = [];
  const logger = createLogger({ service: 'test' }, { write: (line) => written.push(line) });
  const error = new Error(`bad ${key}`, { cause: new TypeError(`deeper ${key} ${token}`) });
  logger.info({ note: `Bearer ${key}`, list: [[{ deep: { deeper: { deepest: key } } }]] }, `message ${key}`);
  logger.error({ err: error }, 'failed');
  logger.error(error);
  expect(written).toHaveLength(3);
  for (const line of written) {
    expect(line).not.toContain(secret);
    expect(line).not.toContain('eyJ');
    expect(() => JSON.parse(line)).not.toThrow();
  }
});

test('fields that are meant for keys are redacted whatever they hold', () => {
  const written: string[] = [];
  const logger = createLogger({ service: 'test' }, { write: (line) => written.push(line) });
  logger.info({ api_key: 'of-another-provider', body: { key: 'of-another-provider' } }, 'made');
  expect(JSON.parse(written[0] ?? '')).toMatchObject({ api_key: '[redacted]', body: { key: '[redacted]' } });
});

test('the request’s line shows that there was a key in the path, and not which', async () => {
  const written: string[] = [];
  const app = new Koa();
  installShell(app, {
    logger: createLogger({ service: 'test' }, { write: (line) => written.push(line) }),
    metrics: createMetrics('test'),
    health: createHealth({}),
    trustedProxies: createTrustedProxies([]),
  });
  const server = await listen(app.callback(), { host: '127.0.0.1', port: 0 });
  try {
    await fetch(`http://127.0.0.1:${server.port}/api/v2/${key.replaceAll('_', '%5F')}?api_key=${key}`);
  } finally {
    await server.close(0);
  }
  expect(JSON.parse(written[0] ?? '')).toMatchObject({ path: '/api/v2/sk_live_[redacted]', status: 404 });
  expect(written.join('')).not.toContain(secret);
});
