import { ENVIRONMENTS } from '@latchkey/protocol';
import { clientId } from '@latchkey/registry';
import { USAGE_GROUPS, USAGE_INTERVALS, type UsageInterval, type UsageRow } from '@latchkey/storage';
import { z } from 'zod';
import { type CsvShape, format } from '../csv.ts';
import { defineEndpoint } from '../endpoint.ts';
import { instant, isoInstant, reference, text } from '../fields.ts';
import { environmentFor } from '../granting.ts';
import { invalidQuery } from '../input.ts';
import type { RouteDeps } from '../route-table.ts';
import { toWire } from '../wire.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Longest span of an answer, so that it stays within some 1500 buckets. */
const LONGEST: Record<UsageInterval, { ms: number; words: string }> = {
  minute: { ms: DAY_MS, words: 'a day' },
  hour: { ms: 62 * DAY_MS, words: '62 days' },
  day: { ms: 732 * DAY_MS, words: '732 days' },
};
/** Most rows of an answer: buckets by groups. */
const MOST_ROWS = 10_000;

const interval = z.enum(USAGE_INTERVALS);
const group = z.enum(USAGE_GROUPS);
const counts = { requests: z.int().min(0), errors: z.int().min(0).describe('Answered with 4xx or 5xx') };

const usage = z.object({
  from: isoInstant().describe('Where the answer begins'),
  to: isoInstant().describe('Where it ends, not itself included'),
  interval: interval.describe('Length of a bucket'),
  totals: z.object(counts).describe('Over all rows'),
  data: z
    .array(
      z.object({
        at: isoInstant().describe('Start of the bucket'),
        group: z.string().nullable().describe('What `group_by` names: an id, a route, or `2xx`'),
        ...counts,
      }),
    )
    .describe('Buckets that have requests, oldest first, then by most requests'),
});

const query = z.strictObject({
  from: instant().optional().describe('Default: 24 hours before `to`'),
  to: instant().optional().describe('Not itself included. Default: now'),
  interval: interval.default('hour').describe('Buckets begin at whole minutes, hours or days of UTC'),
  group_by: group.optional().describe('`api_key` counts API keys alone, `application` applications alone'),
  // Not `api_key`: the guard refuses that name in a URL, since it is how people would send the key itself.
  api_key_id: reference('apiKey').optional().describe('Only what this API key asked for'),
  application_id: clientId.optional().describe('Only what this application asked for, by its `client_id`'),
  route: text(200).optional().describe('Method and template: `GET /api/v2/work-orders/:id`'),
  environment: z.enum(ENVIRONMENTS).optional().describe('Default: that of your credential'),
  format: format.optional(),
});

const columns = {
  at: (row) => row.at,
  group: (row) => row.group,
  requests: (row) => row.requests,
  errors: (row) => row.errors,
} satisfies CsvShape['columns'];

type Query = z.infer<typeof query>;

export function createUsageEndpoints({ durable, now = () => new Date() }: RouteDeps) {
  return {
    list: defineEndpoint({
      id: 'getUsage',
      summary: 'See how much the API is used',
      description:
        'Requests of your organization by time. Counts are written in batches, so the last seconds may be missing. ' +
        'At most a day by minutes, 62 days by hours, 732 days by days. With `Accept: text/csv` or `format=csv` the rows ' +
        'are a file for spreadsheets.',
      tag: 'Usage',
      query,
      answer: { name: 'Usage', schema: usage, status: 200 },
      csv: { fileName: 'usage', columns },
      handle: async ({ tenant, query: asked }) => {
        const { from, to } = spanOf(asked, now());
        const rows = await durable.usage.list({
          organizationId: tenant.organizationId,
          environment: environmentFor(tenant, asked.environment),
          from,
          to,
          interval: asked.interval,
          groupBy: asked.group_by,
          ...credentialOf(asked),
          route: asked.route,
          limit: MOST_ROWS + 1,
        });
        if (rows.length > MOST_ROWS) {
          throw refuse('from', `makes more than ${MOST_ROWS} rows: take a shorter span or a longer interval`);
        }
        const span = { from: from.toISOString(), to: to.toISOString(), interval: asked.interval };
        return { ...span, totals: totalsOf(rows), data: rows.map(toWire) };
      },
    }),
  };
}

function spanOf(asked: Query, now: Date): { from: Date; to: Date } {
  const to = asked.to ?? now;
  const from = asked.from ?? new Date(to.getTime() - DAY_MS);
  if (from >= to) throw refuse('from', 'must be before `to`');
  const { ms, words } = LONGEST[asked.interval];
  if (to.getTime() - from.getTime() <= ms) return { from, to };
  throw refuse('from', `must be within ${words} of \`to\` for the interval ${asked.interval}`);
}

function credentialOf({ api_key_id: apiKey, application_id: application }: Query) {
  if (apiKey !== undefined && application !== undefined) {
    throw refuse('application_id', 'cannot stand beside api_key_id');
  }
  if (apiKey !== undefined) return { credentialType: 'api_key', credentialId: apiKey } as const;
  return application === undefined ? {} : ({ credentialType: 'client', credentialId: application } as const);
}

function totalsOf(rows: readonly UsageRow[]): { requests: number; errors: number } {
  const sum = (count: (row: UsageRow) => number) => rows.reduce((total, row) => total + count(row), 0);
  return { requests: sum(({ requests }) => requests), errors: sum(({ errors }) => errors) };
}

function refuse(field: string, message: string) {
  return invalidQuery([{ field, message }]);
}
