import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ORIGIN, startApi, type TestApi } from './harness.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const newWorkOrder = (fields: object = {}) => ({
  number: crypto.randomUUID(),
  product: 'Pump',
  quantity: 5,
  ...fields,
});

async function createWorkOrder(fields: object = {}) {
  const { status, body } = await api.call('POST', '/api/v2/work-orders', { body: newWorkOrder(fields) });
  expect(status).toBe(201);
  return body;
}

async function createItem(stock = 0) {
  const body = { sku: crypto.randomUUID(), name: 'Bolt M8' };
  const item = (await api.call('POST', '/api/v2/inventory/items', { body })).body;
  if (stock) {
    const adjustment = { quantity: stock, reason: 'receipt' };
    await api.call('POST', `/api/v2/inventory/items/${item.id}/adjustments`, { body: adjustment });
  }
  return item;
}

describe('work orders', () => {
  test('one is created with defaults, found where Location says, listed and changed', async () => {
    const body = newWorkOrder({ due_at: '2030-01-02T05:04:05+02:00' });
    const created = await api.call('POST', '/api/v2/work-orders', { body });
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      ...body,
      id: expect.stringMatching(/^wo_/),
      status: 'planned',
      priority: 'normal',
      due_at: '2030-01-02T03:04:05.000Z',
      notes: null,
      created_at: expect.stringMatching(/Z$/),
      updated_at: created.body.created_at,
    });
    const location = created.headers.get('location') ?? '';
    expect(location).toBe(`${ORIGIN}/api/v2/work-orders/${created.body.id}`);
    expect((await api.call('GET', new URL(location).pathname)).body).toEqual(created.body);
    const list = await api.call('GET', `/api/v2/work-orders?number=${body.number}`);
    expect(list.body).toEqual({ data: [created.body], next_cursor: null });
    const changed = await api.call('PATCH', new URL(location).pathname, {
      body: { status: 'released', due_at: null },
    });
    expect(changed.body).toEqual({
      ...created.body,
      status: 'released',
      due_at: null,
      updated_at: changed.body.updated_at,
    });
    expect((await api.call('GET', new URL(location).pathname)).body).toEqual(changed.body);
  });

  test('a number that is taken is a 409 that says so', async () => {
    const { number } = await createWorkOrder();
    const { status, body } = await api.call('POST', '/api/v2/work-orders', {
      body: newWorkOrder({ number }),
    });
    expect(status).toBe(409);
    expect(body).toEqual({
      error: 'conflict',
      error_description: 'A work order with this number exists',
      request_id: expect.any(String),
    });
  });
});

describe('operations', () => {
  test('one is added to its work order, found on its own, listed there and across', async () => {
    const order = await createWorkOrder();
    const path = `/api/v2/work-orders/${order.id}/operations`;
    const created = await api.call('POST', path, {
      body: { sequence: 10, name: 'Mill', planned_minutes: 30 },
    });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      work_order_id: order.id,
      sequence: 10,
      status: 'pending',
      notes: null,
    });
    expect(created.headers.get('location')).toBe(`${ORIGIN}/api/v2/operations/${created.body.id}`);
    expect((await api.call('GET', `/api/v2/operations/${created.body.id}`)).body).toEqual(created.body);
    expect((await api.call('GET', path)).body.data).toEqual([created.body]);
    expect((await api.call('GET', `/api/v2/operations?work_order_id=${order.id}`)).body.data).toEqual([
      created.body,
    ]);
    const changed = await api.call('PATCH', `/api/v2/operations/${created.body.id}`, {
      body: { status: 'completed' },
    });
    expect(changed.body.status).toBe('completed');
    expect((await api.call('POST', path, { body: { sequence: 10, name: 'Drill' } })).status).toBe(409);
  });

  test('of a work order that is not there: 404', async () => {
    const path = '/api/v2/work-orders/wo_00000000000000000000/operations';
    expect((await api.call('GET', path)).status).toBe(404);
    expect((await api.call('POST', path, { body: { sequence: 1, name: 'Mill' } })).status).toBe(404);
  });
});

describe('quality inspections', () => {
  test('one is recorded, found and changed', async () => {
    const order = await createWorkOrder();
    const body = { work_order_id: order.id, inspected_quantity: 5, defect_quantity: 1 };
    const created = await api.call('POST', '/api/v2/quality/inspections', { body });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ ...body, type: 'final', result: 'pending', inspected_at: null });
    const path = `/api/v2/quality/inspections/${created.body.id}`;
    expect((await api.call('PATCH', path, { body: { result: 'passed' } })).body.result).toBe('passed');
    expect((await api.call('GET', path)).body.result).toBe('passed');
    expect((await api.call('PATCH', path, { body: { defect_quantity: 6 } })).status).toBe(409);
  });

  test.each([
    [{ work_order_id: 'wo_00000000000000000000' }, 'work_order_id'],
    [{ work_order_id: 'item_1' }, 'work_order_id'],
    [{ inspected_quantity: 1, defect_quantity: 2 }, 'defect_quantity'],
  ])('%j is a 422 that names %s', async (fields, field) => {
    const body = { work_order_id: (await createWorkOrder()).id, ...fields };
    const answer = await api.call('POST', '/api/v2/quality/inspections', { body });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ error: 'invalid_body', fields: [{ field }] });
  });
});

describe('inventory', () => {
  test('stock is the sum of the adjustments, which stay as they were made', async () => {
    const item = await createItem();
    expect(item).toMatchObject({ quantity_on_hand: 0, unit: 'each' });
    const path = `/api/v2/inventory/items/${item.id}/adjustments`;
    const received = await api.call('POST', path, { body: { quantity: 10, reason: 'receipt' } });
    const used = await api.call('POST', path, {
      body: { quantity: -4, reason: 'consumption', reference: 'WO 7' },
    });
    expect([received.body.quantity_after, used.body.quantity_after]).toEqual([10, 6]);
    expect((await api.call('GET', `/api/v2/inventory/items/${item.id}`)).body.quantity_on_hand).toBe(6);
    expect((await api.call('GET', path)).body.data).toEqual([used.body, received.body]);
    expect((await api.call('GET', `${path}?reason=receipt`)).body.data).toEqual([received.body]);
    expect(used.headers.get('location')).toBe(`${ORIGIN}${path}/${used.body.id}`);
    expect((await api.call('GET', `${path}/${used.body.id}`)).body).toEqual(used.body);
    const other = await createItem();
    expect(
      (await api.call('GET', `/api/v2/inventory/items/${other.id}/adjustments/${used.body.id}`)).status,
    ).toBe(404);
  });

  test('no adjustment takes out more than there is: 409, and nothing changed', async () => {
    const { id } = await createItem(5);
    const path = `/api/v2/inventory/items/${id}`;
    const body = { quantity: -6, reason: 'scrap' };
    expect((await api.call('POST', `${path}/adjustments`, { body })).status).toBe(409);
    expect((await api.call('GET', path)).body.quantity_on_hand).toBe(5);
  });

  test('what is on hand cannot be set from outside', async () => {
    const { id } = await createItem(5);
    const answer = await api.call('PATCH', `/api/v2/inventory/items/${id}`, {
      body: { quantity_on_hand: 9 },
    });
    expect(answer.status).toBe(422);
    expect(answer.body.fields).toEqual([{ field: 'quantity_on_hand', message: 'is not a known field' }]);
  });
});
