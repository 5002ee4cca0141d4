import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Route } from '../src/route-table.ts';
import { ALL_SCOPES, ORIGIN, ROUTES, startApi, type TestApi } from './harness.ts';

let api: TestApi;
/** Ids of one record of each kind, of the tenant that calls unless told otherwise. */
let ids: Record<'order' | 'operation' | 'inspection' | 'item' | 'adjustment', string>;

beforeAll(async () => {
  api = await startApi();
  const create = async (path: string, body: object) =>
    (await api.call('POST', path, { body })).body.id as string;
  const order = await create('/api/v2/work-orders', bodies('POST /api/v2/work-orders'));
  const item = await create('/api/v2/inventory/items', bodies('POST /api/v2/inventory/items'));
  ids = {
    order,
    item,
    operation: await create(`/api/v2/work-orders/${order}/operations`, { sequence: 1, name: 'Mill' }),
    inspection: await create('/api/v2/quality/inspections', { work_order_id: order }),
    adjustment: await create(`/api/v2/inventory/items/${item}/adjustments`, { quantity: 9, reason: 'count' }),
  };
});
afterAll(() => api.close());

/** A body that each route accepts. */
function bodies(line: string): object {
  const make: Record<string, () => object> = {
    'POST /api/v2/work-orders': () => ({ number: crypto.randomUUID(), product: 'Pump', quantity: 1 }),
    'PATCH /api/v2/work-orders/:id': () => ({ quantity: 2 }),
    'POST /api/v2/work-orders/:id/operations': () => ({
      sequence: Math.ceil(Math.random() * 100_000),
      name: 'Drill',
    }),
    'PATCH /api/v2/operations/:id': () => ({ name: 'Turn' }),
    'POST /api/v2/quality/inspections': () => ({ work_order_id: ids.order }),
    'PATCH /api/v2/quality/inspections/:id': () => ({ inspector: 'Ada' }),
    'POST /api/v2/inventory/items': () => ({ sku: crypto.randomUUID(), name: 'Bolt' }),
    'PATCH /api/v2/inventory/items/:id': () => ({ name: 'Bolt M8' }),
    'POST /api/v2/inventory/items/:id/adjustments': () => ({ quantity: 1, reason: 'count' }),
    'POST /api/v2/api-keys': () => ({ name: 'Script', scopes: ['api-keys:write'] }),
    'PATCH /api/v2/api-keys/:id': () => ({ name: 'Nightly script' }),
    'POST /api/v2/applications': () => ({
      client_name: 'Robot',
      application_type: 'machine',
      scope: 'applications:write',
    }),
    'PATCH /api/v2/applications/:id': () => ({ client_name: 'Red robot' }),
    'PATCH /api/v2/applications/:id/secrets/:secret_id': () => ({ expires_at: '2031-01-01T00:00:00Z' }),
    'PATCH /api/v2/organization': () => ({ name: 'Acme Works' }),
  };
  return make[line]?.() ?? {};
}

/** The route's path for this tenant's own records; keys and applications are new each time, since routes end them. */
async function pathOf({ path }: Route): Promise<string> {
  const kinds: [string, string][] = [
    ['/work-orders/:id', ids.order],
    ['/operations/:id', ids.operation],
    ['/inspections/:id', ids.inspection],
    ['/items/:id', ids.item],
  ];
  for (const collection of ['/api/v2/api-keys', '/api/v2/applications']) {
    if (!path.startsWith(`${collection}/:id`)) continue;
    const { body } = await api.call('POST', collection, { body: bodies(`POST ${collection}`) });
    return path.replace(':id', body.id).replace(':secret_id', body.secrets?.[0].id);
  }
  const [, id = ''] = kinds.find(([prefix]) => path.includes(prefix)) ?? [];
  return path.replace(':id', id).replace(':adjustment_id', ids.adjustment);
}

const send = async (route: Route, options: Parameters<TestApi['call']>[2] = {}) =>
  api.call(route.method, await pathOf(route), {
    ...(route.endpoint.body ? { body: bodies(`${route.method} ${route.path}`) } : {}),
    ...options,
  });
const cases = ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const);

describe.each(cases)('%s', (_, route) => {
  const challenge = `resource_metadata="${ORIGIN}/.well-known/oauth-protected-resource"`;

  test('without a token: 401 and a challenge without an error', async () => {
    const { status, body, headers } = await send(route, { token: '', headers: {} });
    expect(status).toBe(401);
    expect(body).toEqual({
      error: 'unauthorized',
      error_description:
        'Credentials are required: send Authorization: Bearer with an access token or API key',
      request_id: headers.get('x-request-id'),
    });
    expect(headers.get('www-authenticate')).toBe(`Bearer ${challenge}`);
  });

  test('with an expired token: 401 Token expired', async () => {
    const token = await api.issuer.sign({ exp: Math.floor(Date.now() / 1000) - 1 });
    const { status, body } = await send(route, { token });
    expect(status).toBe(401);
    expect(body).toMatchObject({ error: 'invalid_token', error_description: 'Token expired' });
  });

  test('with every scope but its own: 403, and the scope in the challenge', async () => {
    const { organizationId } = await api.tenant();
    const others = ALL_SCOPES.split(' ').filter((scope) => scope !== route.scope);
    const token = await api.issuer.sign({ org_id: organizationId, env: 'live', scope: others.join(' ') });
    const { status, body, headers } = await send(route, { token });
    expect(status).toBe(403);
    expect(body.error).toBe('insufficient_scope');
    expect(body.error_description).toMatch(new RegExp(`needs: ${route.scope}$`));
    expect(headers.get('www-authenticate')).toContain(`scope="${route.scope}", ${challenge}`);
  });

  test('with its scope alone: 2xx', async () => {
    const tenant = await tenantOf(ids.order);
    const claims = { org_id: tenant.organizationId, env: 'live', scope: route.scope };
    const { status, headers } = await send(route, { token: await api.issuer.sign(claims) });
    expect(status).toBe(route.endpoint.answer.status);
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('with a token that belongs to no organization: 403', async () => {
    const { status, body } = await send(route, { token: await api.issuer.sign() });
    expect(status).toBe(403);
    expect(body).toMatchObject({
      error: 'forbidden',
      error_description: 'The access token belongs to no organization',
    });
  });

  test('for another organization, or the other environment: as if the records were not there', async () => {
    const mine = await tenantOf(ids.order);
    for (const tenant of [await api.tenant(), { ...mine, environment: 'test' as const }]) {
      const { status, body } = await send(route, { tenant });
      if (route.path.includes(':')) expect([status, body.error]).toEqual([404, 'not_found']);
      else if (ofOrganization(route)) expect(status).toBe(tenant.environment === 'test' ? 403 : 200);
      else if (route.path === '/api/v2/organization') expect(body.id).toBe(tenant.organizationId);
      else if (route.path === '/api/v2/usage') expect(status).toBe(200);
      else if (route.method === 'GET') expect(body).toMatchObject({ data: [] });
      else if (route.endpoint.id === 'createInspection') expect(status).toBe(422);
      else expect(status).toBe(201);
    }
  });

  if (!route.path.includes(':')) return;
  test('with an id that is none: 404', async () => {
    for (const id of ['wo_guessed', 'x', '%00', '%ff', '%F0%9F%98%80', "'%20or%201=1--", 'a'.repeat(500)]) {
      const path = route.path.replace(':id', id).replace(':adjustment_id', ids.adjustment);
      const body = route.endpoint.body ? { body: bodies(`${route.method} ${route.path}`) } : {};
      expect([id, (await api.call(route.method, path, body)).status]).toEqual([id, 404]);
    }
  });
});

/** What concerns the organisation as a whole is no test credential's business. */
function ofOrganization({ method, path }: Route): boolean {
  return path === '/api/v2/audit-events' || `${method} ${path}` === 'PATCH /api/v2/organization';
}

async function tenantOf(id: string) {
  for (const { id: organizationId } of await api.durable.organizations.list()) {
    const tenant = { organizationId, environment: 'live' as const };
    if (await api.durable.manufacturing.workOrders.find(tenant, id)) return tenant;
  }
  throw new Error('nobody has it');
}

describe('what is not there', () => {
  test.each([
    '/api/v2',
    '/api/v2/',
    '/api/v2/nothing',
    '/api/v2/work-orders/',
    '/api/v1/work-orders',
    '/API/v2/work-orders',
  ])('%s is a 404 in JSON', async (path) => {
    const { status, body } = await api.call('GET', path);
    expect(status).toBe(404);
    expect(body).toMatchObject({ error: 'not_found', request_id: expect.any(String) });
  });

  test.each([
    ['DELETE', '/api/v2/work-orders', 'GET, HEAD, POST'],
    ['PUT', '/api/v2/work-orders/wo_1', 'GET, HEAD, PATCH'],
    ['POST', '/api/v2/operations', 'GET, HEAD'],
    ['OPTIONS', '/api/v2/operations', 'GET, HEAD'],
  ])('%s %s is a 405 that allows %s', async (method, path, allow) => {
    const { status, body, headers } = await api.call(method, path);
    expect([status, body.error, headers.get('allow')]).toEqual([405, 'method_not_allowed', allow]);
  });

  test('a Host that is not ours is never reflected', async () => {
    const { body, headers } = await api.call('POST', '/api/v2/work-orders', {
      body: bodies('POST /api/v2/work-orders'),
      headers: { 'x-forwarded-host': 'evil.test', forwarded: 'host=evil.test' },
    });
    expect(headers.get('location')).toBe(`${ORIGIN}/api/v2/work-orders/${body.id}`);
  });

  test('a token in the URL, or in a form, is refused and told why', async () => {
    const inUrl = await api.call('GET', '/api/v2/work-orders?access_token=x');
    expect([inUrl.status, inUrl.body.error]).toEqual([400, 'invalid_request']);
    const inForm = await api.call('POST', '/api/v2/work-orders', {
      token: '',
      body: 'access_token=x',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([inForm.status, inForm.body.error]).toEqual([400, 'invalid_request']);
    expect(inForm.body.error_description).toContain('never in the body');
  });
});

describe('a browser application of another origin', () => {
  const origin = 'https://spa.example.test';

  test('may send a token and read the answer, a refusal too', async () => {
    const preflight = await fetch(`${api.url}/api/v2/work-orders`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toBe(
      'Authorization, Content-Type, Idempotency-Key',
    );
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST');
    for (const token of [undefined, 'not-a-token']) {
      const { headers } = await api.call('GET', '/api/v2/work-orders', {
        headers: { origin },
        ...(token && { token }),
      });
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-expose-headers')).toContain('WWW-Authenticate');
    }
  });

  test('is never told to send cookies', async () => {
    const { headers } = await api.call('GET', '/api/v2/work-orders', { headers: { origin } });
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });
});
