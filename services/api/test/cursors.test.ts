import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type TestApi } from './harness.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

type Tenant = Awaited<ReturnType<TestApi['tenant']>>;

async function create(tenant: Tenant, status = 'planned'): Promise<string> {
  const body = { number: crypto.randomUUID(), product: 'Pump', quantity: 1, status };
  return (await api.call('POST', '/api/v2/work-orders', { tenant, body })).body.id;
}

/** Ids of every page in turn. `between` runs after each page. */
async function walk(tenant: Tenant, query: string, between = async () => {}): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor: string | null = null;
  do {
    const continued: string = cursor ? `&cursor=${cursor}` : '';
    const { status, body } = await api.call('GET', `/api/v2/work-orders?${query}${continued}`, { tenant });
    expect(status).toBe(200);
    pages.push(body.data.map(({ id }: { id: string }) => id));
    cursor = body.next_cursor;
    await between();
  } while (cursor !== null);
  return pages;
}

test('whatever the size of a page, all rows come once, newest first', async () => {
  const tenant = await api.tenant();
  const ids: string[] = [];
  for (let count = 0; count < 12; count += 1) ids.unshift(await create(tenant));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 14 }), async (limit) => {
      const pages = await walk(tenant, `limit=${limit}`);
      expect(pages.flat()).toEqual(ids);
      expect(pages.slice(0, -1).every(({ length }) => length === limit)).toBe(true);
    }),
    { numRuns: 14 },
  );
});

test('a walk is not disturbed by rows that are added meanwhile, nor by changes', async () => {
  const tenant = await api.tenant();
  const ids: string[] = [];
  for (let count = 0; count < 7; count += 1) ids.unshift(await create(tenant));
  const pages = await walk(tenant, 'limit=2', async () => {
    await create(tenant);
    await api.call('PATCH', `/api/v2/work-orders/${ids[3]}`, { tenant, body: { quantity: 5 } });
  });
  expect(pages.flat()).toEqual(ids);
});

test('a filter holds on every page, and a last page that is full has no next one', async () => {
  const tenant = await api.tenant();
  const released: string[] = [];
  for (let count = 0; count < 4; count += 1) {
    released.unshift(await create(tenant, 'released'));
    await create(tenant);
  }
  expect(await walk(tenant, 'status=released&limit=2')).toEqual([released.slice(0, 2), released.slice(2)]);
});

test.each([
  ['API keys', '/api/v2/api-keys', (name: number) => ({ name: `Key ${name}` })],
  [
    'applications',
    '/api/v2/applications',
    (name: number) => ({ client_name: `Robot ${name}`, application_type: 'machine' }),
  ],
])('a walk over %s that deletes what it was shown misses none', async (_, path, bodyOf) => {
  const tenant = await api.tenant();
  for (let name = 0; name < 7; name += 1) await api.call('POST', path, { tenant, body: bodyOf(name) });
  let cursor = '';
  do {
    const { body } = await api.call('GET', `${path}?limit=2${cursor}`, { tenant });
    for (const { id } of body.data) await api.call('DELETE', `${path}/${id}`, { tenant });
    cursor = body.next_cursor && `&cursor=${body.next_cursor}`;
  } while (cursor);
  expect((await api.call('GET', path, { tenant })).body.data).toEqual([]);
});

test("another tenant's cursor shows nothing", async () => {
  const [mine, other] = [await api.tenant(), await api.tenant()];
  for (const tenant of [mine, mine, other, other]) await create(tenant);
  const { body } = await api.call('GET', '/api/v2/work-orders?limit=1', { tenant: other });
  const answer = await api.call('GET', `/api/v2/work-orders?cursor=${body.next_cursor}`, { tenant: mine });
  expect(answer.body).toEqual({ data: [], next_cursor: null });
});

test('a list without a limit answers 25 rows, and never more than 100', async () => {
  const tenant = await api.tenant();
  await Promise.all(Array.from({ length: 101 }, () => create(tenant)));
  const pages = await walk(tenant, '');
  expect(pages.map(({ length }) => length)).toEqual([25, 25, 25, 25, 1]);
  expect((await walk(tenant, 'limit=100')).map(({ length }) => length)).toEqual([100, 1]);
});
