import { HttpError } from '@latchkey/service';
import type { AuditEvent } from '@latchkey/storage';
import { z } from 'zod';
import { type CsvShape, format } from '../csv.ts';
import { defineEndpoint } from '../endpoint.ts';
import { instant, isoInstant, text } from '../fields.ts';
import { invalidQuery } from '../input.ts';
import { listQuery, pageOf, rowCursors, turnPage } from '../listing.ts';
import type { RouteDeps } from '../route-table.ts';

/** Rows are small, and an export should not take hundreds of requests. */
const MAX_LIMIT = 1000;

const result = z.enum(['success', 'failure']);

const event = z.object({
  id: z.string(),
  at: isoInstant(),
  action: z.string().describe('`api_key.created`, `client.secret_revoked`, `member.removed` …'),
  result,
  actor: z
    .object({ type: z.string(), id: z.string().nullable() })
    .describe('Who did it: an account, client or API key, the operator, or the system'),
  target: z.object({ type: z.string(), id: z.string() }).nullable().describe('To what'),
  ip: z.string().nullable().describe('Address of the caller; null for the operator'),
  request_id: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
});

const query = listQuery(
  {
    action: text(100).describe('One of those in the answers; an unknown one finds nothing'),
    result,
    actor: text(200).describe('Id of who did it'),
    target: text(200).describe('Id of what it was done to'),
    from: instant().describe('At or after'),
    to: instant().describe('Before'),
    format,
  },
  MAX_LIMIT,
);

type Row = Record<string, unknown> & { actor: Party; target: Party | null };
type Party = { type: string; id: string | null };

const columns = {
  id: (row) => row.id,
  at: (row) => row.at,
  action: (row) => row.action,
  result: (row) => row.result,
  actor_type: (row) => (row as Row).actor.type,
  actor_id: (row) => (row as Row).actor.id,
  target_type: (row) => (row as Row).target?.type,
  target_id: (row) => (row as Row).target?.id,
  ip: (row) => row.ip,
  request_id: (row) => row.request_id,
  details: (row) => row.details,
} satisfies CsvShape['columns'];

export function createAuditEventEndpoints({ durable }: RouteDeps) {
  return {
    list: defineEndpoint({
      id: 'listAuditEvents',
      summary: 'Read the audit log',
      description:
        'Every security-relevant act in your organization. With `Accept: text/csv` or `format=csv` it is a file for ' +
        'spreadsheets, whose next page the `Link` header names. It has no environments, so test credentials do ' +
        'not read it.',
      tag: 'Audit log',
      query,
      answer: { name: 'AuditEventList', schema: pageOf(event), status: 200 },
      csv: { fileName: 'audit-events', columns },
      handle: ({ tenant: { organizationId, environment }, query: asked }) => {
        if (environment === 'test') {
          throw new HttpError('forbidden', { description: 'A test credential cannot read the audit log' });
        }
        const { action, result, actor: actorId, target: targetId, from, to } = asked;
        if (from && to && from >= to) throw invalidQuery([{ field: 'from', message: 'must be before `to`' }]);
        const filter = { organizationId, action, result, actorId, targetId, from, to };
        return turnPage({
          asked,
          cursors: rowCursors('auditEvent'),
          list: ({ after, limit }) => durable.auditEvents.list({ ...filter, before: after, limit }),
          show,
        });
      },
    }),
  };
}

function show({ at, organizationId, requestId, ...shown }: AuditEvent): Record<string, unknown> {
  return { ...shown, at: at.toISOString(), request_id: requestId };
}
