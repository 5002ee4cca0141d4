import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi, type TestApi } from './harness.ts';

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
const post = (body: unknown, headers = {}) => api.call('POST', '/api/v2/work-orders', { body, headers });

describe('a body with a wrong field is a 422 that names it', () => {
  test.each<[string, object, string]>([
    ['a missing one', { number: undefined }, 'number'],
    ['an empty text', { product: '' }, 'product'],
    ['a text that is too long', { notes: 'x'.repeat(2001) }, 'notes'],
    ['a NUL character', { product: 'a\0b' }, 'product'],
    ['half of a surrogate pair', { product: 'a\ud800b' }, 'product'],
    ['a number for a text', { product: 7 }, 'product'],
    ['a text for a number', { quantity: '7' }, 'quantity'],
    ['a fraction', { quantity: 1.5 }, 'quantity'],
    ['zero', { quantity: 0 }, 'quantity'],
    ['more than can be counted', { quantity: 1e10 }, 'quantity'],
    ['an unknown status', { status: 'lost' }, 'status'],
    ['a date without time', { due_at: '2030-01-01' }, 'due_at'],
    ['a time without offset', { due_at: '2030-01-01T00:00:00' }, 'due_at'],
    ['a day that is none', { due_at: '2030-02-30T00:00:00Z' }, 'due_at'],
    ['a year out of reach', { due_at: '0000-01-01T00:00:00Z' }, 'due_at'],
    ['a date beyond the last', { due_at: '9999-12-31T23:59:59-23:00' }, 'due_at'],
    ['a field that is not ours', { id: 'wo_1' }, 'id'],
    ['the owner', { organization_id: 'org_1' }, 'organization_id'],
  ])('%s', async (_, fields, field) => {
    const { status, body } = await post(order(fields));
    expect(status).toBe(422);
    expect(body).toMatchObject({ error: 'invalid_body', fields: [{ field, message: expect.any(String) }] });
  });

  test('every wrong field at once', async () => {
    const { body } = await post(order({ quantity: -1, status: 'x', colour: 'red' }));
    expect(body.fields.map(({ field }: { field: string }) => field).toSorted()).toEqual([
      'colour',
      'quantity',
      'status',
    ]);
  });

  test.each(['[]', '"text"', 'null', '7', ''])('%j for an object names the body', async (text) => {
    const { status, body } = await post(text);
    expect([status, body.fields]).toEqual([422, [{ field: 'body', message: expect.any(String) }]]);
  });

  test('text in any script, with emoji, comes back as it was sent', async () => {
    const notes = '工場 – naïve “quotes” 🏭\n\ttab';
    expect((await post(order({ notes }))).body.notes).toBe(notes);
  });
});

describe('a body that cannot be read', () => {
  test.each<[string, number, string, Record<string, string>]>([
    ['broken JSON', 400, '{"number":', {}],
    ['another content type', 415, 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['XML', 415, '<a/>', { 'content-type': 'application/xml' }],
    ['text that is no JSON', 400, 'number=1', { 'content-type': 'text/plain' }],
    ['more than 64 KiB', 413, JSON.stringify({ notes: 'x'.repeat(70_000) }), {}],
  ])('%s is a %i', async (_, expected, body, headers) => {
    expect((await post(body, headers)).status).toBe(expected);
  });

  test('bytes that are no UTF-8 are a 400', async () => {
    const { organizationId } = await api.tenant();
    const response = await fetch(`${api.url}/api/v2/work-orders`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-forwarded-proto': 'https',
        authorization: `Bearer ${await api.issuer.sign({ org_id: organizationId, env: 'live' })}`,
      },
      body: new Uint8Array([0x22, 0xff, 0x22]),
    });
    expect(response.status).toBe(400);
  });

  test('JSON with parameters or a suffix of the type is read', async () => {
    expect((await post(order(), { 'content-type': 'application/json; charset=utf-8' })).status).toBe(201);
    expect((await post(order(), { 'content-type': 'application/vnd.acme+json' })).status).toBe(201);
  });

  test('JSON without its type is read, as fetch and plain clients send a string', async () => {
    const { organizationId } = await api.tenant();
    const authorization = `Bearer ${await api.issuer.sign({ org_id: organizationId, env: 'live' })}`;
    const headers = { authorization, 'x-forwarded-proto': 'https' };
    const url = `${api.url}/api/v2/work-orders`;
    const body = () => JSON.stringify(order());
    const asText = await fetch(url, { method: 'POST', headers, body: body() });
    expect(asText.status).toBe(201);
    // Bytes get no type from fetch.
    const bytes = new TextEncoder().encode(body());
    expect((await fetch(url, { method: 'POST', headers, body: bytes })).status).toBe(201);
  });
});

describe('a query with a wrong parameter is a 400 that names it', () => {
  test.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['cursor=x', 'cursor'],
    ['cursor=', 'cursor'],
    [`cursor=${Buffer.from('1:item_1').toString('base64url')}`, 'cursor'],
    [`cursor=${Buffer.from('1:wo_1').toString('base64url')}%3D`, 'cursor'],
    ['status=lost', 'status'],
    ['number=%00', 'number'],
    ['nothing=1', 'nothing'],
    ['__proto__=1', '__proto__'],
  ])('?%s', async (query, field) => {
    const { status, body } = await api.call('GET', `/api/v2/work-orders?${query}`);
    expect([status, body.error, body.fields?.[0]?.field]).toEqual([400, 'invalid_request', field]);
  });

  test('of a single record, which takes none', async () => {
    const { body } = await post(order());
    expect((await api.call('GET', `/api/v2/work-orders/${body.id}?x=1`)).status).toBe(400);
  });
});

describe('no input makes a 500', () => {
  const clientsFault = (status: number) => {
    expect(status).toBeLessThan(500);
  };
  const value = fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.double(), fc.date().map(String));

  test('whatever the fields of a body hold', async () => {
    const fields = fc.dictionary(
      fc.oneof(
        fc.constantFrom('number', 'product', 'quantity', 'status', 'due_at', 'notes', '__proto__'),
        fc.string(),
      ),
      value,
    );
    await fc.assert(
      fc.asyncProperty(fields, async (changed) =>
        clientsFault((await post({ ...order(), ...changed })).status),
      ),
      { numRuns: 150 },
    );
  });

  test('whatever valid-looking dates, numbers and texts say', async () => {
    const fields = fc.record({
      product: fc.string({ unit: 'binary', maxLength: 200 }),
      quantity: fc.integer(),
      due_at: fc.date().map((date) => (Number.isNaN(date.getTime()) ? '' : date.toISOString())),
      notes: fc.string({ unit: 'grapheme' }),
    });
    await fc.assert(
      fc.asyncProperty(fields, async (changed) => clientsFault((await post(order(changed))).status)),
      { numRuns: 150 },
    );
  });

  test('whatever the body is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string({ unit: 'binary' })), async (text) =>
        clientsFault((await post(text)).status),
      ),
      { numRuns: 100 },
    );
  });

  test('whatever query and path ask for', async () => {
    const name = fc.oneof(fc.constantFrom('limit', 'cursor', 'status', 'number', 'priority'), fc.string());
    const query = fc.dictionary(name, fc.string({ unit: 'binary' }));
    await fc.assert(
      fc.asyncProperty(query, fc.webPath(), async (parameters, path) => {
        const text = new URLSearchParams(parameters);
        clientsFault((await api.call('GET', `/api/v2/work-orders?${text}`)).status);
        clientsFault((await api.call('GET', `/api/v2/work-orders${path}`)).status);
      }),
      { numRuns: 100 },
    );
  });

  test('whatever an adjustment takes or brings', async () => {
    const { body: item } = await api.call('POST', '/api/v2/inventory/items', {
      body: { sku: 'fuzz', name: 'Bolt' },
    });
    const path = `/api/v2/inventory/items/${item.id}`;
    let expected = 0;
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.integer(), fc.integer({ min: -5, max: 5 })), async (quantity) => {
        const { status } = await api.call('POST', `${path}/adjustments`, {
          body: { quantity, reason: 'count' },
        });
        if (status === 201) expected += quantity;
        expect(status).toBeOneOf([201, 409, 422]);
        expect((await api.call('GET', path)).body.quantity_on_hand).toBe(expected);
      }),
      { numRuns: 60 },
    );
  });
});
