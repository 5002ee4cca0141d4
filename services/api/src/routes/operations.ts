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

const operation = z.object({
  ...stamps,
  work_order_id: z.string(),
  sequence: sequence(),
  name: text(200),
  work_center: text(100).nullable(),
  status,
  planned_minutes: minutes().nullable(),
  started_at: isoInstant().nullable(),
  completed_at: isoInstant().nullable(),
  notes: text(2000).nullable(),
});

const create = z.strictObject({
  sequence: sequence(),
  name: text(200).describe('What is done'),
  work_center: text(100).nullable().default(null),
  status: status.default('pending'),
  planned_minutes: minutes().nullable().default(null),
  started_at: instant().nullable().default(null),
  completed_at: instant().nullable().default(null),
  notes: text(2000).nullable().default(null),
});

const update = z.strictObject({
  sequence: sequence().optional(),
  name: text(200).optional(),
  work_center: text(100).nullable().optional(),
  status: status.optional(),
  planned_minutes: minutes().nullable().optional(),
  started_at: instant().nullable().optional(),
  completed_at: instant().nullable().optional(),
  notes: text(2000).nullable().optional(),
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
