import { newId } from '@latchkey/protocol';
import { sql } from 'kysely';
import { ConflictError } from '../../errors.ts';
import {
  type Filter,
  type InventoryAdjustment,
  MAX_QUANTITY_ON_HAND,
  type Manufacturing,
  type NewInventoryAdjustment,
  type Tenant,
} from '../../manufacturing.ts';
import type { PostgresContext } from '../database.ts';
import { isStorable } from '../text.ts';
import { createRows, manufacturingTables } from './rows.ts';

const COLUMNS = [
  'id',
  'itemId',
  'quantity',
  'reason',
  'reference',
  'notes',
  'quantityAfter',
  'createdAt',
] as const;

export function createInventoryAdjustments(
  context: PostgresContext,
  items: Manufacturing['inventoryItems'],
): Manufacturing['inventoryAdjustments'] {
  const rows = createRows<InventoryAdjustment, Filter<InventoryAdjustment, 'itemId' | 'reason'>>(context, {
    table: 'inventoryAdjustments',
    kind: 'inventoryAdjustment',
    columns: COLUMNS,
  });
  return {
    list: rows.list,
    find: rows.find,
    async create(tenant, values) {
      if (!isStorable(values.itemId)) return undefined;
      const adjustment = await adjust(context, tenant, values);
      if (adjustment || !(await items.find(tenant, values.itemId))) return adjustment;
      throw new ConflictError(
        'the adjustment would leave less than nothing on hand, or more than can be counted',
      );
    },
  };
}

/** One statement: the row lock of the update puts concurrent adjustments of an item in line. */
async function adjust(
  context: PostgresContext,
  tenant: Tenant,
  values: NewInventoryAdjustment,
): Promise<InventoryAdjustment | undefined> {
  const { now } = context;
  const { itemId, quantity } = values;
  const row = Object.entries({ id: newId('inventoryAdjustment'), ...tenant, ...values, createdAt: now() });
  const result = await manufacturingTables(context)
    .with('item', (db) =>
      db
        .updateTable('inventoryItems')
        .set({ quantityOnHand: sql<number>`quantity_on_hand + ${quantity}`, updatedAt: now() })
        .where('id', '=', itemId)
        .where('organizationId', '=', tenant.organizationId)
        .where('environment', '=', tenant.environment)
        // In bigint: the sum itself must not overflow.
        .where(sql`quantity_on_hand::bigint + ${quantity}`, '>=', 0)
        .where(sql`quantity_on_hand::bigint + ${quantity}`, '<=', MAX_QUANTITY_ON_HAND)
        .returning('quantityOnHand'),
    )
    .insertInto('inventoryAdjustments')
    .columns([...row.map(([column]) => column), 'quantityAfter'])
    .expression((eb) =>
      eb
        .selectFrom('item')
        .select(() => [
          ...row.map(([column, value]) => eb.val(value).as(column)),
          eb.ref('item.quantityOnHand').as('quantityAfter'),
        ]),
    )
    .returning(COLUMNS)
    .executeTakeFirst();
  return result as InventoryAdjustment | undefined;
}
