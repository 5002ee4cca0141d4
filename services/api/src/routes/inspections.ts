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

const about = {
  work_order_id: 'The work order whose output is checked',
  type: 'When in the making it is checked',
  result: 'What came of it',
  inspected_quantity: 'How many were looked at',
  defect_quantity: 'How many of them had a fault, at most `inspected_quantity`',
  inspector: 'Who looked',
  inspected_at: 'When',
  notes: 'Anything worth keeping beside it',
};

const inspection = z.object({
  ...stamps,
  work_order_id: z.string().describe(about.work_order_id),
  type: type.describe(about.type),
  result: result.describe(about.result),
  inspected_quantity: quantity().describe(about.inspected_quantity),
  defect_quantity: quantity().describe(about.defect_quantity),
  inspector: text(200).nullable().describe(about.inspector),
  inspected_at: isoInstant().nullable().describe(about.inspected_at),
  notes: text(2000).nullable().describe(about.notes),
});

const create = z
  .strictObject({
    work_order_id: reference('workOrder').describe(about.work_order_id),
    type: type.default('final').describe(about.type),
    result: result.default('pending').describe(about.result),
    inspected_quantity: quantity().default(0).describe(about.inspected_quantity),
    defect_quantity: quantity().default(0).describe(about.defect_quantity),
    inspector: text(200).nullable().default(null).describe(about.inspector),
    inspected_at: instant().nullable().default(null).describe(about.inspected_at),
    notes: text(2000).nullable().default(null).describe(about.notes),
  })
  .refine(({ inspected_quantity, defect_quantity }) => defect_quantity <= inspected_quantity, {
    path: ['defect_quantity'],
    error: 'must not exceed inspected_quantity',
  });

const update = z.strictObject({
  type: type.optional().describe(about.type),
  result: result.optional().describe(about.result),
  inspected_quantity: quantity().optional().describe(about.inspected_quantity),
  defect_quantity: quantity().optional().describe(about.defect_quantity),
  inspector: text(200).nullable().optional().describe(about.inspector),
  inspected_at: instant().nullable().optional().describe(about.inspected_at),
  notes: text(2000).nullable().optional().describe(about.notes),
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
