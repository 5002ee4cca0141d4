import type { Tenant, UsageCount } from '@latchkey/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startApi, type TestApi } from './harness.ts';

const USAGE = '/api/v2/usage';
const GET = 'GET /api/v2/work-orders';
const POST = 'POST /api/v2/work-orders';

let api: TestApi;
let tenant: Tenant;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  tenant = await api.tenant();
  const counts: [string, Partial<UsageCount>][] = [
    ['2026-03-01T10:00:00Z', { requests: 5 }],
    ['2026-03-01T10:59:00Z', { requests: 1, statusClass: 4 }],
    [
      '2026-03-01T11:00:00Z',
      { requests: 7, route: POST, credentialType: 'client', credentialId: 'client_1' },
    ],
    ['2026-03-02T00:00:00Z', { requests: 2, statusClass: 5, credentialId: 'key_2' }],
    ['2026-03-01T10:00:00Z', { requests: 100, environment: 'test' }],
  ];
  await api.durable.usage.add(
    counts.map(([minute, more]) => ({
      ...tenant,
      credentialType: 'api_key',
      credentialId: 'key_1',
      route: GET,
      statusClass: 2,
      requests: 1,
      minute: new Date(minute),
      ...more,
    })),
  );
});

const read = async (query: string, of: Tenant = tenant) =>
  (
    await api.call('GET', `${USAGE}?from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z${query}`, {
      tenant: of,
    })
  ).body;
const row = (at: string, group: string | null, requests: number, errors = 0) => ({
  at,
  group,
  requests,
  errors,
});
const hour = (hours: number) => `2026-03-01T${hours}:00:00.000Z`;
const NEXT_DAY = '2026-03-02T00:00:00.000Z';

test('by hours, with totals, and the span that was asked for', async () => {
  expect(await read('')).toEqual({
    from: '2026-03-01T00:00:00.000Z',
    to: '2026-03-03T00:00:00.000Z',
    interval: 'hour',
    totals: { requests: 15, errors: 3 },
    data: [row(hour(10), null, 6, 1), row(hour(11), null, 7), row(NEXT_DAY, null, 2, 2)],
  });
});

describe('as CSV', () => {
  const PATH = `${USAGE}?from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z&group_by=status`;

  test.each([
    ['&format=csv', {}],
    ['', { accept: 'text/csv' }],
  ])('asked for by %j %j: the rows, without totals', async (query, headers) => {
    const answer = await api.call('GET', `${PATH}${query}`, { tenant, headers });
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="usage.csv"');
    expect(answer.headers.get('link')).toBeNull();
    const lines = [
      'at,group,requests,errors',
      `${hour(10)},2xx,5,0`,
      `${hour(10)},4xx,1,1`,
      `${hour(11)},2xx,7,0`,
      `${NEXT_DAY},5xx,2,2`,
    ];
    expect(answer.body).toBe(`${lines.join('\r\n')}\r\n`);
  });

  test('not where JSON is asked for, or where a list has no such form', async () => {
    const accept = 'text/csv';
    const json = await api.call('GET', `${PATH}&format=json`, { tenant, headers: { accept } });
    expect(json.body.totals).toEqual({ requests: 15, errors: 3 });
    const orders = await api.call('GET', '/api/v2/work-orders', { tenant, headers: { accept } });
    expect([orders.status, orders.body.data]).toEqual([200, []]);
  });
});

test('by days, and by the minutes of one', async () => {
  expect((await read('&interval=day')).data).toEqual([
    row('2026-03-01T00:00:00.000Z', null, 13, 1),
    row(NEXT_DAY, null, 2, 2),
  ]);
  const minutes = await api.call(
    'GET',
    `${USAGE}?interval=minute&from=2026-03-01T10:00:00Z&to=2026-03-01T11:00:00Z`,
    { tenant },
  );
  expect(minutes.body.data).toEqual([row(hour(10), null, 5), row('2026-03-01T10:59:00.000Z', null, 1, 1)]);
});

test.each([
  ['api_key', [row(hour(10), 'key_1', 6, 1), row(NEXT_DAY, 'key_2', 2, 2)]],
  ['application', [row(hour(11), 'client_1', 7)]],
  ['route', [row(hour(10), GET, 6, 1), row(hour(11), POST, 7), row(NEXT_DAY, GET, 2, 2)]],
  [
    'status',
    [
      row(hour(10), '2xx', 5),
      row(hour(10), '4xx', 1, 1),
      row(hour(11), '2xx', 7),
      row(NEXT_DAY, '5xx', 2, 2),
    ],
  ],
])('split by %s', async (group, rows) => {
  expect((await read(`&group_by=${group}`)).data).toEqual(rows);
});

test.each([
  ['api_key_id=key_1', 6],
  ['api_key_id=key_3', 0],
  ['application_id=client_1', 7],
  [`route=${encodeURIComponent(POST)}`, 7],
  ['environment=test', 100],
])('of %s alone', async (filter, requests) => {
  expect((await read(`&${filter}`)).totals.requests).toBe(requests);
});

test('of its own environment alone for a test credential, and of no other organization', async () => {
  const trial: Tenant = { ...tenant, environment: 'test' };
  expect((await read('', trial)).totals.requests).toBe(100);
  expect((await api.call('GET', `${USAGE}?environment=live`, { tenant: trial })).status).toBe(403);
  expect((await read('&api_key_id=key_1', await api.tenant())).data).toEqual([]);
});

test('of the last 24 hours when nothing is said, which may be none', async () => {
  const { status, body } = await api.call('GET', USAGE, { tenant: await api.tenant() });
  expect([status, body.data, body.totals]).toEqual([200, [], { requests: 0, errors: 0 }]);
  expect(Date.parse(body.to) - Date.parse(body.from)).toBe(86_400_000);
});

describe('a span that makes too long an answer, or none, is a 400 that says so', () => {
  const to = 'to=2026-03-03T00:00:00Z';
  test.each([
    [`from=2026-03-01T00:00:00Z&${to}&interval=minute`, 'from'],
    [`from=2025-12-01T00:00:00Z&${to}`, 'from'],
    [`from=2020-03-01T00:00:00Z&${to}&interval=day`, 'from'],
    [`from=2026-03-03T00:00:00Z&${to}`, 'from'],
    ['from=2999-01-01T00:00:00Z', 'from'],
    ['from=yesterday', 'from'],
    ['interval=week', 'interval'],
    ['group_by=account', 'group_by'],
    ['api_key_id=client_1', 'api_key_id'],
    ['application_id=%00', 'application_id'],
    ['api_key_id=key_1&application_id=client_1', 'application_id'],
    ['application=client_1', 'application'],
    ['route=%00', 'route'],
    ['limit=5', 'limit'],
  ])('?%s', async (query, field) => {
    const { status, body } = await api.call('GET', `${USAGE}?${query}`, { tenant });
    expect([status, body.error, body.fields?.[0]?.field]).toEqual([400, 'invalid_request', field]);
  });

  test('buckets by groups, too: more than ten thousand rows', async () => {
    const at = Date.parse('2026-02-01T00:00:00Z');
    const counts = Array.from({ length: 10_001 }, (_, index) => ({
      ...tenant,
      credentialType: 'api_key' as const,
      credentialId: `key_${index % 20}`,
      route: GET,
      statusClass: 2,
      requests: 1,
      minute: new Date(at + Math.floor(index / 20) * 60_000),
    }));
    for (let from = 0; from < counts.length; from += 1000) {
      await api.durable.usage.add(counts.slice(from, from + 1000));
    }
    const span = 'from=2026-02-01T00:00:00Z&to=2026-02-02T00:00:00Z&interval=minute';
    const refused = await api.call('GET', `${USAGE}?${span}&group_by=api_key`, { tenant });
    expect([refused.status, refused.body.fields?.[0].field]).toEqual([400, 'from']);
    const { body } = await api.call('GET', `${USAGE}?${span}`, { tenant });
    expect([body.data.length, body.totals.requests]).toEqual([501, 10_001]);
  });
});
