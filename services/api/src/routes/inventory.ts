import { ADJUSTMENT_REASONS, type Manufacturing } from '@latchkey/storage';
import { z } from 'zod';
import { defineEndpoint, found, param } from '../endpoint.ts';
import { quantity, signedQuantity, stamps, text } from '../fields.ts';
import { listPage, listQuery, pageOf } from '../listing.ts';
import { fromWire, toWire } from '../wire.ts';

const tag = 'Inventory';

const sku = text(64).describe('Stock-keeping unit, unique among your items');

const about = {
  name: 'What people call it',
  unit: 'What one of it is: `each`, `kg`, `m`',
  location: 'Where it lies',
  reorder_point: 'Order more when there are so few',
};

const item = z.object({
  ...stamps,
  sku,
  name: text(200).describe(about.name),
  unit: text(16).describe(about.unit),
  location: text(100).nullable().describe(about.location),
  quantity_on_hand: z.int().min(0).describe('The sum of all adjustments'),
  reorder_point: quantity().nullable().describe(about.reorder_point),
});

const create = z.strictObject({
  sku,
  name: text(200).describe(about.name),
  unit: text(16).default('each').describe(about.unit),
  location: text(100).nullable().default(null).describe(about.location),
  reorder_point: quantity().nullable().default(null).describe(about.reorder_point),
});

const update = z.strictObject({
  sku: sku.optional(),
  name: text(200).optional().describe(about.name),
  unit: text(16).optional().describe(about.unit),
  location: text(100).nullable().optional().describe(about.location),
  reorder_point: quantity().nullable().optional().describe(about.reorder_point),
});

const reason = z.enum(ADJUSTMENT_REASONS);

const aboutAdjustment = {
  item_id: 'The item whose stock it changed',
  quantity: 'What came in; negative for what went out',
  reason: 'Why',
  reference: 'A work order, delivery note or count sheet',
  notes: 'Anything worth keeping beside it',
};

const adjustment = z.object({
  id: stamps.id,
  item_id: z.string().describe(aboutAdjustment.item_id),
  quantity: z.int().describe(aboutAdjustment.quantity),
  reason: reason.describe(aboutAdjustment.reason),
  reference: text(200).nullable().describe(aboutAdjustment.reference),
  notes: text(2000).nullable().describe(aboutAdjustment.notes),
  quantity_after: z.int().min(0).describe('On hand right after this adjustment'),
  created_at: stamps.created_at,
});

const createAdjustment = z.strictObject({
  quantity: signedQuantity().describe(aboutAdjustment.quantity),
  reason: reason.describe(aboutAdjustment.reason),
  reference: text(200).nullable().default(null).describe(aboutAdjustment.reference),
  notes: text(2000).nullable().default(null).describe(aboutAdjustment.notes),
});

export function createInventoryEndpoints({ inventoryItems, inventoryAdjustments }: Manufacturing) {
  return { ...itemEndpoints(inventoryItems), ...adjustmentEndpoints(inventoryItems, inventoryAdjustments) };
}

function itemEndpoints(items: Manufacturing['inventoryItems']) {
  const conflict = 'An item with this SKU exists';
  return {
    list: defineEndpoint({
      id: 'listInventoryItems',
      summary: 'List inventory items',
      tag,
      query: listQuery({ sku: text(64), location: text(100) }),
      answer: { name: 'InventoryItemList', schema: pageOf(item), status: 200 },
      handle: ({ tenant, query }) => listPage('inventoryItem', query, (rows) => items.list(tenant, rows)),
    }),
    create: defineEndpoint({
      id: 'createInventoryItem',
      summary: 'Create an inventory item',
      description: 'Nothing is on hand at first: adjustments bring stock in.',
      tag,
      body: create,
      answer: { name: 'InventoryItem', schema: item, status: 201 },
      conflict,
      handle: async ({ tenant, body }) => toWire(await items.create(tenant, fromWire(body))),
    }),
    get: defineEndpoint({
      id: 'getInventoryItem',
      summary: 'Get an inventory item',
      tag,
      answer: { name: 'InventoryItem', schema: item, status: 200 },
      handle: async (call) => toWire(found(await items.find(call.tenant, param(call, 'id')))),
    }),
    update: defineEndpoint({
      id: 'updateInventoryItem',
      summary: 'Change an inventory item',
      description: 'The quantity on hand changes by adjustments alone.',
      tag,
      body: update,
      answer: { name: 'InventoryItem', schema: item, status: 200 },
      conflict,
      handle: async (call) =>
        toWire(found(await items.update(call.tenant, param(call, 'id'), fromWire(call.body)))),
    }),
  };
}

function adjustmentEndpoints(
  items: Manufacturing['inventoryItems'],
  adjustments: Manufacturing['inventoryAdjustments'],
) {
  return {
    listAdjustments: defineEndpoint({
      id: 'listInventoryAdjustments',
      summary: 'List the adjustments of an item',
      tag,
      query: listQuery({ reason }),
      answer: { name: 'InventoryAdjustmentList', schema: pageOf(adjustment), status: 200 },
      handle: async (call) => {
        const { id } = found(await items.find(call.tenant, param(call, 'id')));
        return listPage('inventoryAdjustment', call.query, ({ filter, ...rows }) =>
          adjustments.list(call.tenant, { ...rows, filter: { ...filter, itemId: id } }),
        );
      },
    }),
    createAdjustment: defineEndpoint({
      id: 'createInventoryAdjustment',
      summary: "Adjust an item's stock",
      description: 'Changes what is on hand in the same step. Adjustments are never changed or deleted.',
      tag,
      body: createAdjustment,
      answer: { name: 'InventoryAdjustment', schema: adjustment, status: 201 },
      conflict: 'The adjustment would leave less than nothing on hand, or more than can be counted',
      handle: async (call) => {
        const values = { ...fromWire(call.body), itemId: param(call, 'id') };
        return toWire(found(await adjustments.create(call.tenant, values)));
      },
    }),
    getAdjustment: defineEndpoint({
      id: 'getInventoryAdjustment',
      summary: 'Get an adjustment',
      tag,
      answer: { name: 'InventoryAdjustment', schema: adjustment, status: 200 },
      handle: async (call) => {
        const row = found(await adjustments.find(call.tenant, param(call, 'adjustment_id')));
        return toWire(found(row.itemId === param(call, 'id') ? row : undefined));
      },
    }),
  };
}
