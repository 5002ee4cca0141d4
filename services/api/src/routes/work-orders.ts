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

const workOrder = z.object({
  ...stamps,
  number,
  product: text(200),
  quantity: quantity(),
  status,
  priority,
  due_at: isoInstant().nullable(),
  notes: text(2000).nullable(),
});

const create = z.strictObject({
  number,
  product: text(200).describe('What is made'),
  quantity: quantity(1).describe('How many'),
  status: status.default('planned'),
  priority: priority.default('normal'),
  due_at: instant().nullable().default(null),
  notes: text(2000).nullable().default(null),
});

const update = z.strictObject({
  number: number.optional(),
  product: text(200).optional(),
  quantity: quantity(1).optional(),
  status: status.optional(),
  priority: priority.optional(),
  due_at: instant().nullable().optional(),
  notes: text(2000).nullable().optional(),
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
