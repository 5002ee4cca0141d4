import { newId } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import { ConflictError } from '../errors.ts';
import type {
  NewInspection,
  NewInventoryItem,
  NewOperation,
  NewWorkOrder,
  Tenant,
  WorkOrder,
} from '../manufacturing.ts';
import { MAX_QUANTITY_ON_HAND } from '../manufacturing.ts';
import type { DurableFixture } from './durable.ts';

const workOrder = (fields: Partial<NewWorkOrder> = {}): NewWorkOrder => ({
  number: newId('workOrder'),
  product: 'Pump housing',
  quantity: 10,
  status: 'planned',
  priority: 'normal',
  dueAt: new Date('2030-01-02T03:04:05.678Z'),
  notes: 'ünïcode 工場',
  ...fields,
});

const operation = (workOrderId: string, sequence: number): NewOperation => ({
  workOrderId,
  sequence,
  name: 'Mill',
  workCenter: null,
  status: 'pending',
  plannedMinutes: 12,
  startedAt: null,
  completedAt: null,
  notes: null,
});

const inspection = (workOrderId: string): NewInspection => ({
  workOrderId,
  type: 'final',
  result: 'pending',
  inspectedQuantity: 5,
  defectQuantity: 1,
  inspector: 'Ada',
  inspectedAt: new Date('2030-01-02T03:04:05Z'),
  notes: null,
});

const item = (fields: Partial<NewInventoryItem> = {}): NewInventoryItem => ({
  sku: newId('inventoryItem'),
  name: 'Bolt M8',
  unit: 'each',
  location: 'A-1',
  reorderPoint: 100,
  ...fields,
});

/** A tenant, and the two it must never be mixed up with: the same organisation's other environment, and another's. */
async function tenants({ organization }: DurableFixture): Promise<[Tenant, Tenant, Tenant]> {
  const [mine, other] = await Promise.all([organization(), organization()]);
  return [
    { organizationId: mine.id, environment: 'live' },
    { organizationId: mine.id, environment: 'test' },
    { organizationId: other.id, environment: 'live' },
  ];
}

export function testManufacturing(fixture: () => DurableFixture): void {
  describe('manufacturing', () => {
    testRows(fixture);
    testChildren(fixture);
    testStock(fixture);
  });
}

function testRows(fixture: () => DurableFixture): void {
  const open = () => fixture().storage.manufacturing.workOrders;

  test('a row comes back as it was written, with its id and the instant', async () => {
    const [tenant] = await tenants(fixture());
    const values = workOrder();
    const created = await open().create(tenant, values);
    const at = fixture().clock.now();
    expect(created).toEqual({
      ...values,
      id: expect.stringMatching(/^wo_/),
      createdAt: at,
      updatedAt: at,
    });
    expect(await open().find(tenant, created.id)).toEqual(created);
  });

  test('an update changes the named fields and the instant of the update alone', async () => {
    const { clock } = fixture();
    const [tenant] = await tenants(fixture());
    const created = await open().create(tenant, workOrder());
    clock.advance(5);
    const updated = await open().update(tenant, created.id, {
      status: 'released',
      notes: null,
      dueAt: undefined,
    });
    expect(updated).toEqual({ ...created, status: 'released', notes: null, updatedAt: clock.now() });
    expect(await open().find(tenant, created.id)).toEqual(updated);
  });

  test('a number that is taken in the tenant is a conflict, in another it is free', async () => {
    const [mine, ...others] = await tenants(fixture());
    const { number } = await open().create(mine, workOrder());
    await expect(open().create(mine, workOrder({ number }))).rejects.toThrow(ConflictError);
    for (const other of others) await open().create(other, workOrder({ number }));
    const second = await open().create(mine, workOrder());
    await expect(open().update(mine, second.id, { number })).rejects.toThrow(ConflictError);
  });

  test('no method reaches a row of another tenant', async () => {
    const [mine, ...others] = await tenants(fixture());
    const created = await open().create(mine, workOrder());
    for (const other of others) {
      expect(await open().find(other, created.id)).toBeUndefined();
      expect(await open().update(other, created.id, { quantity: 99 })).toBeUndefined();
      expect(await open().list(other, { limit: 10 })).toEqual([]);
      expect(await open().list(other, { limit: 10, filter: { number: created.number } })).toEqual([]);
    }
    expect(await open().find(mine, created.id)).toEqual(created);
  });

  test('a list is newest first and continues after any of its rows, whatever was added or changed since', async () => {
    const [tenant, elsewhere] = await tenants(fixture());
    const rows: WorkOrder[] = [];
    for (let count = 0; count < 5; count += 1) rows.unshift(await open().create(tenant, workOrder()));
    const ids = rows.map(({ id }) => id);
    const first = await open().list(tenant, { limit: 2 });
    expect(first).toEqual(rows.slice(0, 2));
    await open().create(tenant, workOrder());
    await open().update(tenant, ids[2] ?? '', { quantity: 1 });
    const rest = await open().list(tenant, { limit: 10, after: first.at(-1)?.id });
    expect(rest.map(({ id }) => id)).toEqual(ids.slice(2));
    expect(await open().list(elsewhere, { limit: 10, after: ids[0] })).toEqual([]);
  });

  test('a list is restricted by every field of the filter', async () => {
    const [tenant] = await tenants(fixture());
    const wanted = await open().create(tenant, workOrder({ status: 'released', priority: 'high' }));
    await open().create(tenant, workOrder({ status: 'released', priority: 'low' }));
    await open().create(tenant, workOrder({ status: 'planned', priority: 'high' }));
    const filter = { status: 'released', priority: 'high', number: undefined } as const;
    expect(await open().list(tenant, { filter, limit: 10 })).toEqual([wanted]);
  });

  test('text that the database cannot hold finds nothing', async () => {
    const [tenant] = await tenants(fixture());
    await open().create(tenant, workOrder());
    expect(await open().find(tenant, 'wo_\0')).toBeUndefined();
    expect(await open().update(tenant, 'wo_\0', {})).toBeUndefined();
    expect(await open().list(tenant, { filter: { number: '\0' }, limit: 1 })).toEqual([]);
    expect(await open().list(tenant, { after: '\0', limit: 1 })).toEqual([]);
  });
}

function testChildren(fixture: () => DurableFixture): void {
  test('operations and inspections belong to a work order of the tenant', async () => {
    const { workOrders, operations, inspections } = fixture().storage.manufacturing;
    const [mine, ...others] = await tenants(fixture());
    const { id } = await workOrders.create(mine, workOrder());
    const step = await operations.create(mine, operation(id, 10));
    const check = await inspections.create(mine, inspection(id));
    expect(step).toMatchObject({ ...operation(id, 10), id: expect.stringMatching(/^op_/) });
    expect(check).toMatchObject({ ...inspection(id), id: expect.stringMatching(/^insp_/) });
    for (const other of others) {
      expect(await operations.create(other, operation(id, 20))).toBeUndefined();
      expect(await inspections.create(other, inspection(id))).toBeUndefined();
    }
    expect(await operations.create(mine, operation(newId('workOrder'), 20))).toBeUndefined();
    expect(await operations.create(mine, operation('wo_\0', 20))).toBeUndefined();
    expect(await operations.list(mine, { filter: { workOrderId: id }, limit: 10 })).toEqual([step]);
    expect(await inspections.list(mine, { filter: { result: 'passed' }, limit: 10 })).toEqual([]);
  });

  test('a sequence that is taken in the work order is a conflict', async () => {
    const { workOrders, operations } = fixture().storage.manufacturing;
    const [tenant] = await tenants(fixture());
    const { id } = await workOrders.create(tenant, workOrder());
    await operations.create(tenant, operation(id, 10));
    await expect(operations.create(tenant, operation(id, 10))).rejects.toThrow(ConflictError);
  });

  test('an inspection never counts more defects than pieces', async () => {
    const { workOrders, inspections } = fixture().storage.manufacturing;
    const [tenant] = await tenants(fixture());
    const { id } = await workOrders.create(tenant, workOrder());
    const check = await inspections.create(tenant, inspection(id));
    await expect(inspections.update(tenant, check?.id ?? '', { defectQuantity: 6 })).rejects.toThrow(
      ConflictError,
    );
  });

  test('deleting the organisation deletes its data', async () => {
    const { storage } = fixture();
    const [tenant] = await tenants(fixture());
    const { id } = await storage.manufacturing.workOrders.create(tenant, workOrder());
    await storage.manufacturing.operations.create(tenant, operation(id, 10));
    await storage.organizations.delete(tenant.organizationId);
    expect(await storage.manufacturing.workOrders.find(tenant, id)).toBeUndefined();
    expect(await storage.manufacturing.operations.list(tenant, { limit: 10 })).toEqual([]);
  });
}

function testStock(fixture: () => DurableFixture): void {
  const adjustment = (itemId: string, quantity: number) =>
    ({ itemId, quantity, reason: 'count', reference: null, notes: null }) as const;

  test('what is on hand is the sum of the adjustments', async () => {
    const { inventoryItems, inventoryAdjustments } = fixture().storage.manufacturing;
    const [tenant] = await tenants(fixture());
    const { id, quantityOnHand } = await inventoryItems.create(tenant, item());
    expect(quantityOnHand).toBe(0);
    const first = await inventoryAdjustments.create(tenant, adjustment(id, 7));
    const second = await inventoryAdjustments.create(tenant, adjustment(id, -3));
    expect([first?.quantityAfter, second?.quantityAfter]).toEqual([7, 4]);
    expect((await inventoryItems.find(tenant, id))?.quantityOnHand).toBe(4);
    expect(await inventoryAdjustments.list(tenant, { filter: { itemId: id }, limit: 10 })).toEqual([
      second,
      first,
    ]);
    expect(await inventoryAdjustments.find(tenant, first?.id ?? '')).toEqual(first);
  });

  test('an adjustment beyond the limits is a conflict and changes nothing', async () => {
    const { inventoryItems, inventoryAdjustments } = fixture().storage.manufacturing;
    const [tenant] = await tenants(fixture());
    const { id } = await inventoryItems.create(tenant, item());
    await inventoryAdjustments.create(tenant, adjustment(id, MAX_QUANTITY_ON_HAND));
    await expect(inventoryAdjustments.create(tenant, adjustment(id, 1))).rejects.toThrow(ConflictError);
    await expect(inventoryAdjustments.create(tenant, adjustment(id, MAX_QUANTITY_ON_HAND))).rejects.toThrow(
      ConflictError,
    );
    await inventoryAdjustments.create(tenant, adjustment(id, -MAX_QUANTITY_ON_HAND));
    await expect(inventoryAdjustments.create(tenant, adjustment(id, -1))).rejects.toThrow(ConflictError);
    expect(await inventoryAdjustments.list(tenant, { filter: { itemId: id }, limit: 10 })).toHaveLength(2);
    expect((await inventoryItems.find(tenant, id))?.quantityOnHand).toBe(0);
  });

  test("another tenant's item cannot be adjusted", async () => {
    const { inventoryItems, inventoryAdjustments } = fixture().storage.manufacturing;
    const [mine, ...others] = await tenants(fixture());
    const { id } = await inventoryItems.create(mine, item());
    for (const other of others) {
      expect(await inventoryAdjustments.create(other, adjustment(id, 1))).toBeUndefined();
    }
    expect((await inventoryItems.find(mine, id))?.quantityOnHand).toBe(0);
  });

  test('of 20 concurrent withdrawals from a stock of 12, two processes, exactly 12 succeed', async () => {
    const { storage, peer } = fixture();
    const [tenant] = await tenants(fixture());
    const { id } = await storage.manufacturing.inventoryItems.create(tenant, item());
    await storage.manufacturing.inventoryAdjustments.create(tenant, adjustment(id, 12));
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => {
        const { manufacturing } = index % 2 ? storage : peer;
        return manufacturing.inventoryAdjustments.create(tenant, adjustment(id, -1));
      }),
    );
    const after = results.flatMap((result) =>
      result.status === 'fulfilled' ? [result.value?.quantityAfter] : [],
    );
    expect(after.toSorted((a = 0, b = 0) => a - b)).toEqual([...Array(12).keys()]);
    expect((await storage.manufacturing.inventoryItems.find(tenant, id))?.quantityOnHand).toBe(0);
  });
}
