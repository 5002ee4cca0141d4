import { updateOrganization } from '@latchkey/registry';
import type { Tenant } from '@latchkey/storage';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ROUTES, startApi, type TestApi } from './harness.ts';

let api: TestApi;
let tenant: Tenant;
let paths: { key: string; application: string; secret: string };
beforeAll(async () => {
  api = await startApi();
  tenant = await api.tenant();
  // What is sent here is about input, and many times as much as a plan allows in a minute.
  await updateOrganization(api.operator, tenant.organizationId, { rate_limit: 1_000_000_000 });
  const app = { client_name: 'Robot', application_type: 'machine', scope: 'quality:read' };
  const { body: key } = await api.call('POST', '/api/v2/api-keys', { tenant, body: { name: 'Script' } });
  const { body: application } = await api.call('POST', '/api/v2/applications', { tenant, body: app });
  paths = { key: key.id, application: application.id, secret: application.secrets[0].id };
});
afterAll(() => api.close());

const MANAGED = ROUTES.filter(({ path }) =>
  /\/(api-keys|applications|organization|usage|audit-events)/.test(path),
);
const bodied = MANAGED.filter(({ endpoint }) => endpoint.body);
const lists = MANAGED.filter(({ endpoint }) => endpoint.query);

const pathOf = (template: string) =>
  template
    .replace('/api-keys/:id', `/api-keys/${paths.key}`)
    .replace('/applications/:id', `/applications/${paths.application}`)
    .replace(':secret_id', paths.secret);

/** A route's own fields for the most part: an unknown one is refused before anything else is looked at. */
function fieldsOf({ endpoint }: (typeof ROUTES)[number]) {
  const { properties = {} } = endpoint.body ? z.toJSONSchema(endpoint.body, { io: 'input' }) : {};
  const stranger = {
    weight: 1,
    arbitrary: fc.oneof(fc.constantFrom('__proto__', 'constructor'), fc.string()),
  };
  const names = Object.keys(properties);
  const own = names.length > 0 ? [{ weight: 20, arbitrary: fc.constantFrom(...names) }] : [];
  return fc.dictionary(fc.oneof(...own, stranger), value, { maxKeys: 4 });
}

const BASES: Record<string, object> = {
  createApiKey: { name: 'Script' },
  createApplication: { client_name: 'Robot', application_type: 'machine' },
};

const value = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: 'binary' }),
  fc.array(fc.string({ unit: 'binary' })),
  fc.constantFrom('web', 'machine', 'test', 'private_key_jwt', 'quality:read', '10.0.0.0/8'),
  fc.array(fc.constantFrom('quality:read', '10.0.0.0/8', '::/0', 'https://a.example/cb', 'http://127.0.0.1')),
  fc.date().map((date) => (Number.isNaN(date.getTime()) ? '' : date.toISOString())),
  fc.integer(),
);

describe('no body makes a 500', () => {
  test.each(bodied.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s',
    async (_, route) => {
      const base = BASES[route.endpoint.id];
      await fc.assert(
        fc.asyncProperty(fieldsOf(route), fc.boolean(), async (body, named) => {
          const headers = named ? { 'idempotency-key': crypto.randomUUID() } : {};
          const answer = await api.call(route.method, pathOf(route.path), {
            tenant,
            headers,
            body: { ...base, ...body },
          });
          expect(answer.status).toBeLessThan(500);
          // What the body of a PATCH took away from the caller is for the next one to have.
          if (route.path.endsWith('/organization') && answer.status === 200) {
            await updateOrganization(api.operator, tenant.organizationId, { ip_allowlist: [] });
          }
        }),
        { numRuns: 100 },
      );
    },
  );

  test('nor a record that makes the list of all a 500', async () => {
    const odd = fc.oneof(value, fc.constantFrom('\0', '\ud800', ['\0'], { '\0': 1 }));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string({ unit: 'binary' }), fc.constant('\0')),
        odd,
        async (name, member) => {
          const key = {
            kty: 'OKP',
            crv: 'Ed25519',
            x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
            [name]: member,
          };
          const body = {
            client_name: 'Robot',
            application_type: 'machine',
            token_endpoint_auth_method: 'private_key_jwt',
            jwks: { keys: [key] },
          };
          const made = await api.call('POST', '/api/v2/applications', { tenant, body });
          expect(made.status).toBeLessThan(500);
          expect((await api.call('GET', '/api/v2/applications', { tenant })).status).toBe(200);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('however deep it is nested', async () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    for (const { method, path } of bodied) {
      for (const body of [
        deep,
        `{"jwks":${deep}}`,
        `{"jwks":{"keys":[{"kty":${deep}}]}}`,
        `{"client_name":"Robot","application_type":"machine","token_endpoint_auth_method":"private_key_jwt",
          "jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","kid":${deep}}]}}`,
        `{"name":${deep}}`,
      ]) {
        const answer = await api.call(method, pathOf(path), {
          tenant,
          body,
          headers: { 'idempotency-key': 'deep' },
        });
        expect([path, answer.status]).toSatisfy(([, status]) => status >= 400 && status < 500);
      }
    }
  });
});

describe('no query makes a 500', () => {
  test.each(lists.map((route) => [route.path, route] as const))('%s', async (_, route) => {
    const name = fc.oneof(
      fc.constantFrom(
        'limit',
        'cursor',
        'environment',
        'from',
        'to',
        'interval',
        'group_by',
        'format',
        'route',
      ),
      fc.constantFrom('api_key_id', 'application_id', 'action', 'result', 'actor', 'target'),
      fc.string(),
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.date().map(String),
      fc.date().map((date) => (Number.isNaN(date.getTime()) ? '' : date.toISOString())),
      fc.constantFrom('day', 'minute', 'csv', 'test', 'key_1', 'client_1', 'status', 'evt_1', '100'),
      fc.constantFrom('key_1', 'client_1', 'evt_1').map((id) => Buffer.from(`1:${id}`).toString('base64url')),
    );
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, text), async (parameters) => {
        const query = new URLSearchParams(parameters);
        expect((await api.call('GET', `${route.path}?${query}`, { tenant })).status).toBeLessThan(500);
      }),
      { numRuns: 150 },
    );
  });
});

test('no id in a path makes a 500', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...MANAGED),
      fc.string({ unit: 'binary' }),
      async ({ method, path, endpoint }, id) => {
        const target = path
          .replace(':id', encodeURIComponent(id.toWellFormed()) || 'x')
          .replace(':secret_id', '%00');
        const answer = await api.call(method, target, { tenant, ...(endpoint.body ? { body: {} } : {}) });
        expect(answer.status).toBeLessThan(500);
      },
    ),
    { numRuns: 150 },
  );
});
