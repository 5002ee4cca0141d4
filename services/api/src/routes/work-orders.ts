import { type Manufacturing, WORK_ORDER_PRIORITIES, WORK_ORDER_STATUSES } from '@latchkey/storage';
import { z } from 'zod';
import { defineEndpoint, found, param } from '../endpoint.ts';
import { instant, isoInstant, quantity, stamps, text } from '../fields.ts';
import { listPage, listQuery, pageOf } from '../listing.ts';
import { fromWire, toWire } from '../wire.ts';

const tag = 'Work orders';

const status = z.enum(WORK_ORDER_STATUSES);
const priority = z.enum(WORK_ORDER_PRIORITIES);
const number = text(64).describe('Your own number, unique among your work orders');

const about = {
  product: 'What is made',
  quantity: 'How many',
  status: 'How far it is',
  priority: 'What goes first',
  due_at: 'When it should be done',
  notes: 'Anything worth keeping beside it',
};

const workOrder = z.object({
  ...stamps,
  number,
  product: text(200).describe(about.product),
  quantity: quantity().describe(about.quantity),
  status: status.describe(about.status),
  priority: priority.describe(about.priority),
  due_at: isoInstant().nullable().describe(about.due_at),
  notes: text(2000).nullable().describe(about.notes),
});

const create = z.strictObject({
  number,
  product: text(200).describe(about.product),
  quantity: quantity(1).describe(about.quantity),
  status: status.default('planned').describe(about.status),
  priority: priority.default('normal').describe(about.priority),
  due_at: instant().nullable().default(null).describe(about.due_at),
  notes: text(2000).nullable().default(null).describe(about.notes),
});

const update = z.strictObject({
  number: number.optional(),
  product: text(200).optional().describe(about.product),
  quantity: quantity(1).optional().describe(about.quantity),
  status: status.optional().describe(about.status),
  priority: priority.optional().describe(about.priority),
  due_at: instant().nullable().optional().describe(about.due_at),
  notes: text(2000).nullable().optional().describe(about.notes),
});

const conflict = 'A work order with this number exists';

export function createWorkOrderEndpoints({ workOrders }: Manufacturing) {
  return {
    list: defineEndpoint({
      id: 'listWorkOrders',
      summary: 'List work orders',
      tag,
      query: listQuery({ status, priority, number: text(64) }),
      answer: { name: 'WorkOrderList', schema: pageOf(workOrder), status: 200 },
      handle: ({ tenant, query }) => listPage('workOrder', query, (rows) => workOrders.list(tenant, rows)),
    }),
    create: defineEndpoint({
      id: 'createWorkOrder',
      summary: 'Create a work order',
      tag,
      body: create,
      answer: { name: 'WorkOrder', schema: workOrder, status: 201 },
      conflict,
      handle: async ({ tenant, body }) => toWire(await workOrders.create(tenant, fromWire(body))),
    }),
    get: defineEndpoint({
      id: 'getWorkOrder',
      summary: 'Get a work order',
      tag,
      answer: { name: 'WorkOrder', schema: workOrder, status: 200 },
      handle: async (call) => toWire(found(await workOrders.find(call.tenant, param(call, 'id')))),
    }),
    update: defineEndpoint({
      id: 'updateWorkOrder',
      summary: 'Change a work order',
      tag,
      body: update,
      answer: { name: 'WorkOrder', schema: workOrder, status: 200 },
      conflict,
      handle: async (call) =>
        toWire(found(await workOrders.update(call.tenant, param(call, 'id'), fromWire(call.body)))),
    }),
  };
}
