import type {
  Filter,
  Inspection,
  InventoryItem,
  Manufacturing,
  Operation,
  WorkOrder,
} from '../../manufacturing.ts';
import type { PostgresContext } from '../database.ts';
import { createInventoryAdjustments } from './inventory-adjustments.ts';
import { createRows } from './rows.ts';

const STAMPS = ['id', 'createdAt', 'updatedAt'] as const;

export function createPostgresManufacturing(context: PostgresContext): Manufacturing {
  const inventoryItems = createInventoryItems(context);
  return {
    workOrders: createWorkOrders(context),
    operations: createOperations(context),
    inspections: createInspections(context),
    inventoryItems,
    inventoryAdjustments: createInventoryAdjustments(context, inventoryItems),
  };
}

function createWorkOrders(context: PostgresContext): Manufacturing['workOrders'] {
  const rows = createRows<WorkOrder, Filter<WorkOrder, 'number' | 'status' | 'priority'>>(context, {
    table: 'workOrders',
    kind: 'workOrder',
    columns: [...STAMPS, 'number', 'product', 'quantity', 'status', 'priority', 'dueAt', 'notes'],
  });
  return { list: rows.list, find: rows.find, create: rows.insert, update: rows.update };
}

function createOperations(context: PostgresContext): Manufacturing['operations'] {
  const rows = createRows<Operation, Filter<Operation, 'workOrderId' | 'status'>>(context, {
    table: 'operations',
    kind: 'operation',
    columns: [
      ...STAMPS,
      'workOrderId',
      'sequence',
      'name',
      'workCenter',
      'status',
      'plannedMinutes',
      'startedAt',
      'completedAt',
      'notes',
    ],
  });
  return {
    list: rows.list,
    find: rows.find,
    create: (tenant, values) =>
      rows.insertUnder(tenant, { table: 'workOrders', id: values.workOrderId }, values),
    update: rows.update,
  };
}

function createInspections(context: PostgresContext): Manufacturing['inspections'] {
  const rows = createRows<Inspection, Filter<Inspection, 'workOrderId' | 'type' | 'result'>>(context, {
    table: 'inspections',
    kind: 'inspection',
    columns: [
      ...STAMPS,
      'workOrderId',
      'type',
      'result',
      'inspectedQuantity',
      'defectQuantity',
      'inspector',
      'inspectedAt',
      'notes',
    ],
  });
  return {
    list: rows.list,
    find: rows.find,
    create: (tenant, values) =>
      rows.insertUnder(tenant, { table: 'workOrders', id: values.workOrderId }, values),
    update: rows.update,
  };
}

function createInventoryItems(context: PostgresContext): Manufacturing['inventoryItems'] {
  const rows = createRows<InventoryItem, Filter<InventoryItem, 'sku' | 'location'>>(context, {
    table: 'inventoryItems',
    kind: 'inventoryItem',
    columns: [...STAMPS, 'sku', 'name', 'unit', 'location', 'quantityOnHand', 'reorderPoint'],
  });
  return {
    list: rows.list,
    find: rows.find,
    create: (tenant, values) => rows.insert(tenant, { ...values, quantityOnHand: 0 }),
    update: rows.update,
  };
}
