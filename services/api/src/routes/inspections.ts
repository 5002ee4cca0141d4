import { HttpError } from '@latchkey/service';
import { INSPECTION_RESULTS, INSPECTION_TYPES, type Manufacturing } from '@latchkey/storage';
import { z } from 'zod';
import { defineEndpoint, found, param } from '../endpoint.ts';
import { instant, isoInstant, quantity, reference, stamps, text } from '../fields.ts';
import { listPage, listQuery, pageOf } from '../listing.ts';
import { fromWire, toWire } from '../wire.ts';

const tag = 'Quality inspections';

const type = z.enum(INSPECTION_TYPES);
const result = z.enum(INSPECTION_RESULTS);

const inspection = z.object({
  ...stamps,
  work_order_id: z.string(),
  type,
  result,
  inspected_quantity: quantity(),
  defect_quantity: quantity(),
  inspector: text(200).nullable(),
  inspected_at: isoInstant().nullable(),
  notes: text(2000).nullable(),
});

const create = z
  .strictObject({
    work_order_id: reference('workOrder').describe('The work order whose output is checked'),
    type: type.default('final'),
    result: result.default('pending'),
    inspected_quantity: quantity().default(0),
    defect_quantity: quantity().default(0).describe('At most `inspected_quantity`'),
    inspector: text(200).nullable().default(null),
    inspected_at: instant().nullable().default(null),
    notes: text(2000).nullable().default(null),
  })
  .refine(({ inspected_quantity, defect_quantity }) => defect_quantity <= inspected_quantity, {
    path: ['defect_quantity'],
    error: 'must not exceed inspected_quantity',
  });

const update = z.strictObject({
  type: type.optional(),
  result: result.optional(),
  inspected_quantity: quantity().optional(),
  defect_quantity: quantity().optional(),
  inspector: text(200).nullable().optional(),
  inspected_at: instant().nullable().optional(),
  notes: text(2000).nullable().optional(),
});

export function createInspectionEndpoints({ inspections }: Manufacturing) {
  return {
    list: defineEndpoint({
      id: 'listInspections',
      summary: 'List quality inspections',
      tag,
      query: listQuery({ work_order_id: reference('workOrder'), type, result }),
      answer: { name: 'InspectionList', schema: pageOf(inspection), status: 200 },
      handle: ({ tenant, query }) => listPage('inspection', query, (rows) => inspections.list(tenant, rows)),
    }),
    create: defineEndpoint({
      id: 'createInspection',
      summary: 'Record a quality inspection',
      tag,
      body: create,
      answer: { name: 'Inspection', schema: inspection, status: 201 },
      handle: async ({ tenant, body }) => {
        const created = await inspections.create(tenant, fromWire(body));
        if (created) return toWire(created);
        throw new HttpError('invalid_body', {
          fields: [{ field: 'work_order_id', message: 'names no work order' }],
        });
      },
    }),
    get: defineEndpoint({
      id: 'getInspection',
      summary: 'Get a quality inspection',
      tag,
      answer: { name: 'Inspection', schema: inspection, status: 200 },
      handle: async (call) => toWire(found(await inspections.find(call.tenant, param(call, 'id')))),
    }),
    update: defineEndpoint({
      id: 'updateInspection',
      summary: 'Change a quality inspection',
      tag,
      body: update,
      answer: { name: 'Inspection', schema: inspection, status: 200 },
      conflict: 'An inspection cannot count more defects than inspected pieces',
      handle: async (call) =>
        toWire(found(await inspections.update(call.tenant, param(call, 'id'), fromWire(call.body)))),
    }),
  };
}
