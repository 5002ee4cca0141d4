import type { Environment } from '@latchkey/protocol';
import type { DurableRecords, Manufacturing, Tenant } from '@latchkey/storage';
import { DEMO_ORGANIZATION } from './demo.ts';

const DAY_MS = 86_400_000;

/**
 * What Acme makes, so that a first call to the API shows something. Live and test rows tell each other apart. All of it
 * or nothing: a start that is cut short here must leave nothing that the next one stumbles over.
 */
export function seedDemoData(durable: DurableRecords, now: Date): Promise<void> {
  return durable.transaction(async ({ manufacturing }) => {
    for (const environment of ['live', 'test'] as const) {
      const tenant = { organizationId: DEMO_ORGANIZATION, environment };
      const [present] = await manufacturing.workOrders.list(tenant, { limit: 1 });
      if (present) continue;
      await seedInventory(manufacturing, tenant);
      await seedWorkOrders(manufacturing, tenant, now);
    }
  });
}

const ITEMS = [
  {
    sku: 'ALU-6061-BAR',
    name: 'Aluminium bar 6061',
    unit: 'm',
    location: 'A-01',
    reorderPoint: 40,
    received: 120,
  },
  {
    sku: 'BRG-6204',
    name: 'Ball bearing 6204',
    unit: 'each',
    location: 'B-12',
    reorderPoint: 100,
    received: 640,
  },
  {
    sku: 'SCR-M6X20',
    name: 'Screw M6 × 20',
    unit: 'each',
    location: 'B-03',
    reorderPoint: 1000,
    received: 5000,
  },
  {
    sku: 'SEAL-NBR-40',
    name: 'Shaft seal NBR 40 mm',
    unit: 'each',
    location: 'C-07',
    reorderPoint: 50,
    received: 35,
  },
];

async function seedInventory({ inventoryItems, inventoryAdjustments }: Manufacturing, tenant: Tenant) {
  for (const { received, ...item } of ITEMS) {
    const { id } = await inventoryItems.create(tenant, item);
    const values = { itemId: id, quantity: received, reason: 'receipt', reference: 'Opening stock' } as const;
    await inventoryAdjustments.create(tenant, { ...values, notes: null });
  }
}

const PREFIX: Record<Environment, string> = { live: 'WO', test: 'TEST' };

/** Oldest first. The last is in full swing: its operations and inspections show every state. */
const WORK_ORDERS = [
  {
    number: 1001,
    product: 'Gearbox housing',
    quantity: 50,
    status: 'completed',
    priority: 'normal',
    dueInDays: -12,
  },
  { number: 1002, product: 'Drive shaft', quantity: 200, status: 'released', priority: 'high', dueInDays: 9 },
  { number: 1003, product: 'Valve block', quantity: 80, status: 'planned', priority: 'low', dueInDays: 30 },
  {
    number: 1004,
    product: 'Pump assembly',
    quantity: 25,
    status: 'in_progress',
    priority: 'urgent',
    dueInDays: 3,
  },
] as const;

async function seedWorkOrders(manufacturing: Manufacturing, tenant: Tenant, now: Date) {
  for (const { number, dueInDays, ...order } of WORK_ORDERS) {
    const { id } = await manufacturing.workOrders.create(tenant, {
      ...order,
      number: `${PREFIX[tenant.environment]}-${number}`,
      dueAt: new Date(now.getTime() + dueInDays * DAY_MS),
      notes: null,
    });
    if (order.status === 'in_progress') await seedProgress(manufacturing, tenant, id, now);
  }
}

const OPERATIONS = [
  { sequence: 10, name: 'Mill housing', workCenter: 'CNC-2', status: 'completed', plannedMinutes: 180 },
  { sequence: 20, name: 'Press bearings', workCenter: 'PRESS-1', status: 'in_progress', plannedMinutes: 90 },
  { sequence: 30, name: 'Final assembly', workCenter: 'ASM-4', status: 'pending', plannedMinutes: 240 },
] as const;

async function seedProgress(
  { operations, inspections }: Manufacturing,
  tenant: Tenant,
  workOrderId: string,
  now: Date,
) {
  for (const operation of OPERATIONS) {
    const started = operation.status === 'pending' ? null : new Date(now.getTime() - DAY_MS);
    const completed = operation.status === 'completed' ? now : null;
    const progress = { startedAt: started, completedAt: completed, notes: null };
    await operations.create(tenant, { ...operation, ...progress, workOrderId });
  }
  const common = { workOrderId, inspector: 'Q. Tanaka', notes: null };
  await inspections.create(tenant, {
    ...common,
    type: 'incoming',
    result: 'passed',
    inspectedQuantity: 25,
    defectQuantity: 0,
    inspectedAt: new Date(now.getTime() - DAY_MS),
  });
  await inspections.create(tenant, {
    ...common,
    type: 'in_process',
    result: 'failed',
    inspectedQuantity: 10,
    defectQuantity: 2,
    inspectedAt: now,
  });
}
