import { createLogger, createMetrics, listen } from '@latchkey/service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../src/index.ts';
import { configOf, startApi, type TestApi } from './harness.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

/** Another process over the same stores, which says everything it could say. */
async function talkative(lines: string[]) {
  const logger = createLogger({ service: 'api', level: 'trace' }, { write: (line) => void lines.push(line) });
  const { durable, shared } = api;
  const server = await createApi(configOf(api.issuer.url), {
    durable,
    shared,
    logger,
    metrics: createMetrics('api'),
  });
  const { port, close } = await listen(server.handler, { host: '127.0.0.1', port: 0 });
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      await close(0);
      await server.stop();
    },
  };
}

test('no secret that is shown once is in a log line or an audit event, nor the Idempotency-Key it was asked with', async () => {
  const lines: string[] = [];
  const process = await talkative(lines);
  const tenant = await api.tenant();
  const token = await api.issuer.sign({ org_id: tenant.organizationId, env: 'live' });
  const post = async (path: string, body: object, status: number) => {
    const response = await fetch(`${process.url}/api/v2/${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'x-forwarded-proto': 'https',
        'idempotency-key': `secret-name-${path}`,
      },
      body: JSON.stringify(body),
    });
    expect([path, response.status]).toEqual([path, status]);
    return (await response.json()) as { id: string; key: string; client_secret: string };
  };
  const made = await post('api-keys', { name: 'Script' }, 201);
  const rotated = await post(`api-keys/${made.id}/rotate`, {}, 201);
  const app = await post('applications', { client_name: 'Robot', application_type: 'machine' }, 201);
  const added = await post(`applications/${app.id}/secrets`, {}, 201);
  await post('api-keys', { name: 'Script', scopes: [] }, 422);
  await process.close();

  expect(lines.some((line) => line.includes('/api/v2/api-keys'))).toBe(true);
  const { organizationId } = tenant;
  const events = await api.durable.auditEvents.list({ organizationId, limit: 100 });
  expect(events.length).toBeGreaterThan(3);
  const said = lines.join('') + JSON.stringify(events);
  for (const secret of [
    made.key,
    rotated.key,
    app.client_secret,
    added.client_secret,
    token,
    'secret-name',
  ]) {
    expect(said).not.toContain(secret);
  }
});
