import { mintApiKey } from '@latchkey/protocol';
import { createLogger, createMetrics, listen } from '@latchkey/service';
import { openMemory, openPostgres, StorageUnavailableError } from '@latchkey/storage';
import { expect, test } from 'vitest';
import { createApi } from '../src/index.ts';
import { configOf, startApi } from './harness.ts';

test('with the issuer away, tokens of known keys go on working', async () => {
  const api = await startApi();
  const known = await api.call('GET', '/api/v2/work-orders');
  const { organizationId } = await api.tenant();
  const fresh = await api.issuer.sign({ org_id: organizationId, env: 'live' });
  await api.issuer.close();
  const answer = await api.call('GET', '/api/v2/work-orders', { token: fresh });
  expect([known.status, answer.status]).toEqual([200, 200]);
  await api.close();
});

test('with PostgreSQL away: 503 with Retry-After, not ready, but alive', async () => {
  const api = await startApi();
  expect((await fetch(`${api.url}/readyz`)).status).toBe(200);
  await api.durable.close();
  const answer = await api.call('GET', '/api/v2/work-orders', {
    token: await api.issuer.sign({ org_id: 'org_1', env: 'live' }),
  });
  expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable']);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await fetch(`${api.url}/readyz`)).status).toBe(503);
  expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
  await api.close();
});

test('with PostgreSQL away a key that is known is let in as far as its records, and no other is', async () => {
  const api = await startApi();
  const tenant = await api.tenant();
  const known = await api.createKey(tenant, { scopes: ['work-orders:read'] });
  const fresh = await api.createKey(tenant);
  const call = (key: string, path = '/api/v2/work-orders') => api.call('GET', path, { token: key });
  expect((await call(known.key)).status).toBe(200);
  await api.durable.close();
  const answers = [
    await call(known.key),
    await call(known.key, '/api/v2/operations'),
    await call(fresh.key),
    await call(mintApiKey('live').key),
  ];
  expect(answers.map(({ status }) => status)).toEqual([503, 403, 503, 503]);
  // Limits are told of to those who were let in.
  const told = answers.map(({ headers }) => headers.has('x-ratelimit-limit'));
  expect(told).toEqual([true, true, false, false]);
  for (const { status, headers } of answers) {
    if (status === 503) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  }
  await api.close();
});

test('without the record of revocations the API does not start', async () => {
  const durable = openPostgres({ url: 'postgres://127.0.0.1:1/nothing' });
  const [logger, metrics] = [createLogger({ service: 'api', level: 'silent' }), createMetrics('api')];
  const config = configOf('https://auth.example.test');
  await expect(createApi(config, { durable, shared: openMemory(), logger, metrics })).rejects.toThrow(
    StorageUnavailableError,
  );
  await durable.close();
});

test('with the issuer away from the start: 503 until it is there, for no fault of the token', async () => {
  const api = await startApi();
  const config = configOf('http://127.0.0.1:1');
  const [logger, metrics] = [createLogger({ service: 'api', level: 'silent' }), createMetrics('api')];
  const { durable, shared } = api;
  const other = await createApi(config, { durable, shared, logger, metrics });
  const server = await listen(other.handler, { host: '127.0.0.1', port: 0 });
  const token = await api.issuer.sign({ iss: config.issuer });
  const response = await fetch(`http://127.0.0.1:${server.port}/api/v2/operations`, {
    headers: { authorization: `Bearer ${token}`, 'x-forwarded-proto': 'https' },
  });
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
  expect(response.headers.get('www-authenticate')).toBeNull();
  await server.close(0);
  await other.stop();
  await api.close();
});
