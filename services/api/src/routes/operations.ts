import { type Manufacturing, OPERATION_STATUSES } from '@latchkey/storage';
import { z } from 'zod';
import { defineEndpoint, found, param } from '../endpoint.ts';
import { instant, isoInstant, reference, stamps, text } from '../fields.ts';
import { listPage, listQuery, pageOf } from '../listing.ts';
import { fromWire, toWire } from '../wire.ts';

const tag = 'Operations';

const status = z.enum(OPERATION_STATUSES);
const sequence = () => z.int().min(1).max(100_000).describe('Place in the routing, unique in the work order');
const minutes = () => z.int().min(0).max(1_000_000);

const about = {
  work_order_id: 'The work order it belongs to',
  name: 'What is done',
  work_center: 'Where it is done',
  status: 'How far it is',
  planned_minutes: 'How long it should take',
  started_at: 'When work on it began',
  completed_at: 'When it was done',
  notes: 'Anything worth keeping beside it',
};

const operation = z.object({
  ...stamps,
  work_order_id: z.string().describe(about.work_order_id),
  sequence: sequence(),
  name: text(200).describe(about.name),
  work_center: text(100).nullable().describe(about.work_center),
  status: status.describe(about.status),
  planned_minutes: minutes().nullable().describe(about.planned_minutes),
  started_at: isoInstant().nullable().describe(about.started_at),
  completed_at: isoInstant().nullable().describe(about.completed_at),
  notes: text(2000).nullable().describe(about.notes),
});

const create = z.strictObject({
  sequence: sequence(),
  name: text(200).describe(about.name),
  work_center: text(100).nullable().default(null).describe(about.work_center),
  status: status.default('pending').describe(about.status),
  planned_minutes: minutes().nullable().default(null).describe(about.planned_minutes),
  started_at: instant().nullable().default(null).describe(about.started_at),
  completed_at: instant().nullable().default(null).describe(about.completed_at),
  notes: text(2000).nullable().default(null).describe(about.notes),
});

const update = z.strictObject({
  sequence: sequence().optional(),
  name: text(200).optional().describe(about.name),
  work_center: text(100).nullable().optional().describe(about.work_center),
  status: status.optional().describe(about.status),
  planned_minutes: minutes().nullable().optional().describe(about.planned_minutes),
  started_at: instant().nullable().optional().describe(about.started_at),
  completed_at: instant().nullable().optional().describe(about.completed_at),
  notes: text(2000).nullable().optional().describe(about.notes),
});

const conflict = 'The work order has an operation with this sequence';

export function createOperationEndpoints(data: Manufacturing) {
  return { ...endpointsOfOperations(data), ...endpointsOfWorkOrder(data) };
}

function endpointsOfOperations({ operations }: Manufacturing) {
  return {
    list: defineEndpoint({
      id: 'listOperations',
      summary: 'List operations across work orders',
      tag,
      query: listQuery({ work_order_id: reference('workOrder'), status }),
      answer: { name: 'OperationList', schema: pageOf(operation), status: 200 },
      handle: ({ tenant, query }) => listPage('operation', query, (rows) => operations.list(tenant, rows)),
    }),
    get: defineEndpoint({
      id: 'getOperation',
      summary: 'Get an operation',
      tag,
      answer: { name: 'Operation', schema: operation, status: 200 },
      handle: async (call) => toWire(found(await operations.find(call.tenant, param(call, 'id')))),
    }),
    update: defineEndpoint({
      id: 'updateOperation',
      summary: 'Change an operation',
      tag,
      body: update,
      answer: { name: 'Operation', schema: operation, status: 200 },
      conflict,
      handle: async (call) =>
        toWire(found(await operations.update(call.tenant, param(call, 'id'), fromWire(call.body)))),
    }),
  };
}

function endpointsOfWorkOrder({ operations, workOrders }: Manufacturing) {
  return {
    listOfWorkOrder: defineEndpoint({
      id: 'listOperationsOfWorkOrder',
      summary: 'List the operations of a work order',
      tag,
      query: listQuery({ status }),
      answer: { name: 'OperationList', schema: pageOf(operation), status: 200 },
      handle: async (call) => {
        const { id } = found(await workOrders.find(call.tenant, param(call, 'id')));
        return listPage('operation', call.query, ({ filter, ...rows }) =>
          operations.list(call.tenant, { ...rows, filter: { ...filter, workOrderId: id } }),
        );
      },
    }),
    createInWorkOrder: defineEndpoint({
      id: 'createOperation',
      summary: 'Add an operation to a work order',
      tag,
      body: create,
      answer: { name: 'Operation', schema: operation, status: 201 },
      location: '/operations',
      conflict,
      handle: async (call) => {
        const values = { ...fromWire(call.body), workOrderId: param(call, 'id') };
        return toWire(found(await operations.create(call.tenant, values)));
      },
    }),
  };
}
