import { createLogger, createMetrics, listen } from '@latchkey/service';
import type { Tenant } from '@latchkey/storage';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApi } from '../src/index.ts';
import { configOf, startApi, type TestApi } from './harness.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const order = (fields: object = {}) => ({
  number: crypto.randomUUID(),
  product: 'Pump',
  quantity: 1,
  ...fields,
});

async function post(key: string, body: unknown, options: Parameters<TestApi['call']>[2] = {}) {
  const headers = { 'idempotency-key': key, ...options.headers };
  return api.call('POST', '/api/v2/work-orders', { ...options, body, headers });
}

const countOf = async (tenant: Tenant) =>
  (await api.call('GET', '/api/v2/work-orders?limit=100', { tenant })).body.data.length;

describe('a POST with an Idempotency-Key', () => {
  test('sent again gets the same answer, marked, and takes effect once', async () => {
    const tenant = await api.tenant();
    const [key, body] = [crypto.randomUUID(), order()];
    const first = await post(key, body, { tenant });
    expect([first.status, first.headers.get('idempotent-replayed')]).toEqual([201, null]);
    const again = await post(key, body, { tenant });
    expect([again.status, again.body]).toEqual([201, first.body]);
    for (const name of ['location', 'content-type']) {
      expect(again.headers.get(name)).toBe(first.headers.get(name));
    }
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
    expect(await countOf(tenant)).toBe(1);
  });

  test('sent again in other spacing and order is the same request', async () => {
    const tenant = await api.tenant();
    const { number, product, quantity } = order();
    const first = await post('k-1', `{"number":"${number}","product":"${product}","quantity":1}`, { tenant });
    const again = await post(
      'k-1',
      `{ "quantity": ${quantity}.0, "product": "Pump", "number": "${number}" }`,
      {
        tenant,
      },
    );
    expect([again.status, again.body]).toEqual([201, first.body]);
  });

  test('with another body, or to another path, is a 409 that says so', async () => {
    const tenant = await api.tenant();
    const { body: created } = await post('k-2', order(), { tenant });
    const otherBody = await post('k-2', order(), { tenant });
    expect([otherBody.status, otherBody.body.error]).toEqual([409, 'idempotency_key_reused']);
    const otherPath = await api.call('POST', `/api/v2/work-orders/${created.id}/operations`, {
      tenant,
      body: { sequence: 1, name: 'Mill' },
      headers: { 'idempotency-key': 'k-2' },
    });
    expect([otherPath.status, otherPath.body.error]).toEqual([409, 'idempotency_key_reused']);
    expect(await countOf(tenant)).toBe(1);
  });

  test('sent twenty times at once makes one work order', async () => {
    const tenant = await api.tenant();
    const body = order();
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('k-3', body, { tenant })));
    expect(await countOf(tenant)).toBe(1);
    expect(
      answers.filter(({ status, headers }) => status === 201 && !headers.has('idempotent-replayed')),
    ).toHaveLength(1);
    for (const { status, body: answered, headers } of answers) {
      if (status === 201) continue;
      expect([status, answered.error]).toEqual([409, 'idempotency_in_progress']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await post('k-3', body, { tenant })).headers.get('idempotent-replayed')).toBe('true');
  });

  test('of somebody else is another key: other organization, environment, client or account', async () => {
    const tenant = await api.tenant();
    const { organizationId: org_id } = tenant;
    const claims = [
      { org_id, env: 'live' },
      { org_id, env: 'test' },
      { org_id: (await api.tenant()).organizationId, env: 'live' },
      { org_id, env: 'live', sub: 'client_2', client_id: 'client_2' },
      { org_id, env: 'live', sub: 'user_1', role: 'owner' },
      { org_id, env: 'live', sub: 'user_2', role: 'owner' },
    ];
    for (const who of claims) {
      const answer = await post('k-4', order(), { token: await api.issuer.sign(who) });
      expect([who, answer.status, answer.headers.get('idempotent-replayed')]).toEqual([who, 201, null]);
    }
  });

  test('gives no answer to a token with other scopes or another role, which might not have been given it', async () => {
    const claims = {
      org_id: (await api.tenant()).organizationId,
      env: 'live',
      sub: 'user_1',
    };
    const sign = (scope: string, role: string) => api.issuer.sign({ ...claims, scope, role });
    const key = crypto.randomUUID();
    const post = (token: string) => {
      const headers = { 'idempotency-key': key };
      const body = { name: 'Script', scopes: ['quality:read'] };
      return api.call('POST', '/api/v2/api-keys', { token, headers, body });
    };
    const first = await post(await sign('api-keys:write quality:read', 'owner'));
    const again = await post(await sign('quality:read api-keys:write', 'owner'));
    expect([first.status, again.status, again.body.key]).toEqual([201, 201, first.body.key]);
    for (const weaker of [
      await sign('api-keys:write', 'owner'),
      await sign('api-keys:write quality:read', 'developer'),
    ]) {
      const refused = await post(weaker);
      expect([refused.status, refused.body.error]).toEqual([409, 'idempotency_key_reused']);
      expect(JSON.stringify(refused.body)).not.toContain('sk_');
    }
  });

  test('that the endpoint refused is refused again in the same words, with the first request id', async () => {
    const tenant = await api.tenant();
    const body = order();
    await post('k-5', body, { tenant });
    const conflict = await post('k-6', body, { tenant });
    const again = await post('k-6', body, { tenant });
    expect([again.status, again.body]).toEqual([409, conflict.body]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });

  test('whose body was never valid is free for the one that was mended', async () => {
    const tenant = await api.tenant();
    expect((await post('k-7', order({ quantity: 0 }), { tenant })).status).toBe(422);
    expect((await post('k-7', '{', { tenant })).status).toBe(400);
    expect((await post('k-7', order(), { tenant })).status).toBe(201);
  });

  test('is the same key as a structured field has it', async () => {
    const tenant = await api.tenant();
    const body = order();
    const first = await post('a"b\\c', body, { tenant });
    expect((await post('"a\\"b\\\\c"', body, { tenant })).body).toEqual(first.body);
  });

  test.each(['""', '"open', 'two words', '"two words"', 'x'.repeat(256), 'é', '"a"; b=1', 'a\tb'])(
    'that reads %j is a 400',
    async (key) => {
      const { status, body } = await post(key, order());
      expect([status, body.error]).toEqual([400, 'invalid_request']);
      expect(body.error_description).toContain('Idempotency-Key');
    },
  );

  test('means nothing to what is no POST', async () => {
    const { body } = await api.call('POST', '/api/v2/work-orders', { body: order() });
    for (const quantity of [2, 3]) {
      const changed = await api.call('PATCH', `/api/v2/work-orders/${body.id}`, {
        body: { quantity },
        headers: { 'idempotency-key': 'k-8' },
      });
      expect([changed.status, changed.body.quantity]).toEqual([200, quantity]);
    }
  });

  test('survives the process: another one over the same stores answers the same', async () => {
    const tenant = await api.tenant();
    const body = order();
    const first = await post('k-9', body, { tenant });
    const deps = {
      durable: api.durable,
      shared: api.shared,
      logger: createLogger({ service: 'api', level: 'silent' }),
      metrics: createMetrics('api'),
    };
    const other = await createApi(configOf(api.issuer.url), deps);
    const server = await listen(other.handler, { host: '127.0.0.1', port: 0 });
    const token = await api.issuer.sign({ org_id: tenant.organizationId, env: 'live' });
    const response = await fetch(`http://127.0.0.1:${server.port}/api/v2/work-orders`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': 'k-9',
        'x-forwarded-proto': 'https',
      },
      body: JSON.stringify(body),
    });
    expect([response.status, await response.json()]).toEqual([201, first.body]);
    await server.close(0);
    await other.stop();
  });
});

test('any header is an answer below 500, and one key makes one work order', async () => {
  const tenant = await api.tenant();
  // What an HTTP client sends at all: no control characters.
  const unit = fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f);
  const header = fc.string({ unit: unit.map((code) => String.fromCharCode(code)) });
  await fc.assert(
    fc.asyncProperty(header, async (key) => {
      const body = order();
      const [first, again] = [await post(key, body, { tenant }), await post(key, body, { tenant })];
      expect([first.status, again.status]).toSatisfy(
        ([a, b]) => (a === 201 && b === 201) || (a === 400 && b === 400) || a === 409,
      );
      if (first.status === 201) expect(again.body).toEqual(first.body);
    }),
    { numRuns: 80 },
  );
});
