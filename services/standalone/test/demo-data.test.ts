import { ConflictError, openPglite } from '@latchkey/storage';
import { expect, it, onTestFinished } from 'vitest';
import { DEMO_ORGANIZATION } from '../src/demo.ts';
import { seedDemoData } from '../src/demo-data.ts';

it('is there whole or not at all: a start that is cut short leaves nothing that the next stumbles over', async () => {
  const durable = await openPglite();
  onTestFinished(() => durable.close());
  await durable.migrate();
  await durable.organizations.create({ id: DEMO_ORGANIZATION, name: 'Acme', plan: 'free' });
  const { inventoryItems, workOrders } = durable.manufacturing;
  const tenant = (environment: 'live' | 'test') => ({ organizationId: DEMO_ORGANIZATION, environment });
  const seed = () => seedDemoData(durable, new Date());
  const listItems = () => inventoryItems.list(tenant('live'), { limit: 9 });

  // In the way of what is made last.
  const item = { sku: 'SEAL-NBR-40', name: 'A', unit: 'each', location: null, reorderPoint: null };
  await inventoryItems.create(tenant('test'), item);
  await expect(seed()).rejects.toThrow(ConflictError);
  expect(await listItems()).toEqual([]);
  // Out of the way: an organisation whose test data is there already needs live data alone.
  const order = { number: '1', product: 'A', quantity: 1, status: 'planned', priority: 'low' } as const;
  await workOrders.create(tenant('test'), { ...order, dueAt: null, notes: null });
  await seed();
  expect(await listItems()).toHaveLength(4);
});
