import type { NewAuditEvent, Tenant } from '@latchkey/storage';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { formatCsv } from '../src/csv.ts';
import { ORIGIN, startApi, type TestApi } from './harness.ts';

const LOG = '/api/v2/audit-events';

let api: TestApi;
let tenant: Tenant;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  tenant = await api.tenant();
});

const append = (event: Partial<NewAuditEvent> = {}) =>
  api.durable.auditEvents.append({
    action: 'sign_in.failed',
    result: 'failure',
    actor: { type: 'account', id: 'user_1' },
    target: { type: 'client', id: 'client_1' },
    organizationId: tenant.organizationId,
    ip: '203.0.113.9',
    requestId: 'request-1',
    details: { reason: 'password' },
    ...event,
  });
const read = (query = '', headers: Record<string, string> = {}) =>
  api.call('GET', `${LOG}${query}`, { tenant, headers });

test('answers events newest first, with everything that is known of them', async () => {
  await append();
  await append({
    action: 'api_key.leaked',
    result: 'success',
    target: null,
    actor: { type: 'system', id: null },
  });
  const { body } = await read();
  expect(body).toEqual({
    data: [
      expect.objectContaining({
        action: 'api_key.leaked',
        target: null,
        actor: { type: 'system', id: null },
      }),
      {
        id: expect.stringMatching(/^evt_/),
        at: expect.stringMatching(/Z$/),
        action: 'sign_in.failed',
        result: 'failure',
        actor: { type: 'account', id: 'user_1' },
        target: { type: 'client', id: 'client_1' },
        ip: '203.0.113.9',
        request_id: 'request-1',
        details: { reason: 'password' },
      },
    ],
    next_cursor: null,
  });
});

test('is filtered by what happened, how, by whom, to what and when', async () => {
  await append();
  await append({ action: 'api_key.created', result: 'success', actor: { type: 'account', id: 'user_2' } });
  await append({ action: 'api_key.created', result: 'success', target: { type: 'api_key', id: 'key_9' } });
  const { body } = await read();
  const ids: string[] = body.data.map(({ id }: { id: string }) => id);
  const [key, second, first] = ids;
  const chosen = async (query: string) => (await read(query)).body.data.map(({ id }: { id: string }) => id);
  expect(await chosen('?action=api_key.created')).toEqual([key, second]);
  expect(await chosen('?result=failure')).toEqual([first]);
  expect(await chosen('?actor=user_2')).toEqual([second]);
  expect(await chosen('?target=key_9')).toEqual([key]);
  expect(await chosen('?to=2020-01-01T00:00:00Z')).toEqual([]);
  expect(await chosen('?from=2020-01-01T00:00:00Z&to=2999-01-01T00:00:00Z')).toEqual(ids);
  expect(await chosen(`?from=${encodeURIComponent(body.data[0].at)}&action=api_key.created`)).toContain(key);
});

test('turns its pages by cursor, at most a thousand rows each', async () => {
  for (let count = 0; count < 5; count += 1) await append();
  const first = await read('?limit=3');
  const second = await read(`?limit=3&cursor=${first.body.next_cursor}`);
  expect([first.body.data.length, second.body.data.length, second.body.next_cursor]).toEqual([3, 2, null]);
  expect(await read('?limit=1000')).toMatchObject({ status: 200 });
  for (const query of [
    '?limit=1001',
    '?cursor=x',
    '?result=maybe',
    '?format=xml',
    '?organization_id=org_1',
  ]) {
    expect([query, (await read(query)).status]).toEqual([query, 400]);
  }
});

test("shows no other organization's events, and nothing to test credentials", async () => {
  await append();
  const other = await api.tenant();
  expect((await api.call('GET', LOG, { tenant: other })).body.data).toEqual([]);
  const trial = await api.call('GET', LOG, { tenant: { ...tenant, environment: 'test' } });
  expect([trial.status, trial.body.error]).toEqual([403, 'forbidden']);
});

describe('as CSV', () => {
  const HEADER = 'id,at,action,result,actor_type,actor_id,target_type,target_id,ip,request_id,details';

  test.each([
    ['?format=csv', {}],
    ['', { accept: 'text/csv' }],
    ['', { accept: 'text/csv, application/json;q=0.5' }],
  ])('asked for by %j %j', async (query, headers) => {
    await append();
    const { status, headers: sent, body } = await read(query, headers);
    expect(status).toBe(200);
    expect(sent.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(sent.get('content-disposition')).toBe('attachment; filename="audit-events.csv"');
    expect(sent.get('vary')).toContain('Accept');
    const [header, line, end] = body.split('\r\n');
    expect([header, end]).toEqual([HEADER, '']);
    expect(line).toMatch(
      /^evt_\w+,[^,]+Z,sign_in\.failed,failure,account,user_1,client,client_1,203\.0\.113\.9,request-1,"\{""reason"":""password""\}"$/,
    );
  });

  test.each([
    ['?format=json', { accept: 'text/csv' }],
    ['', { accept: '*/*' }],
    ['', { accept: 'text/html' }],
  ])('not where JSON is asked for, or anything: %j %j', async (query, headers) => {
    expect((await read(query, headers)).body.data).toEqual([]);
  });

  test('empty, it has its header alone', async () => {
    expect((await read('?format=csv')).body).toBe(`${HEADER}\r\n`);
  });

  test('the next page is where the Link says, with the same filters', async () => {
    for (let count = 0; count < 3; count += 1) await append();
    const first = await read('?format=csv&limit=2&action=sign_in.failed');
    const link = /^<(.+)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    expect(link).toContain(`${ORIGIN}${LOG}?`);
    const { pathname, search } = new URL(link);
    const second = await api.call('GET', pathname + search, { tenant });
    expect([first, second].map(({ body }) => body.split('\r\n').length - 2)).toEqual([2, 1]);
    expect(second.headers.get('link')).toBeNull();
  });

  test('what a spreadsheet would take for a formula is text', async () => {
    for (const id of ['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx', 'a;=1+1;@b'])
      await append({ actor: { type: 'account', id } });
    const { body } = await read('?format=csv');
    const cells = ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", '"\'\rx"', "a;'=1+1;'@b"];
    for (const cell of cells) expect(body).toContain(`,account,${cell},`);
  });

  test('a refusal is JSON all the same', async () => {
    const { status, body } = await read('?format=csv&limit=0');
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });
});

test('whatever a cell holds, a reader of RFC 4180 gets it back, with an apostrophe before what could be a formula', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ a: fc.string({ unit: 'binary' }), b: fc.string() })), (rows) => {
      const shape = {
        fileName: 'x',
        columns: {
          a: (row: object) => (row as { a: string }).a,
          b: (row: object) => (row as { b: string }).b,
        },
      };
      const defused = (cell: string) => {
        const parts = cell.split(';').map((part) => (/^[=+\-@\t\r]/.test(part) ? `'${part}` : part));
        return parts.join(';');
      };
      expect(parseCsv(formatCsv(shape, rows))).toEqual([
        ['a', 'b'],
        ...rows.map(({ a, b }) => [defused(a), defused(b)]),
      ]);
    }),
  );
});

/** RFC 4180 §2, read strictly. */
function parseCsv(text: string): string[][] {
  const lines: string[][] = [];
  let line: string[] = [];
  let rest = text;
  while (rest !== '') {
    const cell = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/.exec(rest);
    if (!cell) throw new Error(`not CSV: ${rest}`);
    line.push(cell[1]?.replaceAll('""', '"') ?? cell[2] ?? '');
    if (cell[3] === '\r\n') {
      lines.push(line);
      line = [];
    }
    rest = rest.slice(cell[0].length);
  }
  return lines;
}
