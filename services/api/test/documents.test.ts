import { ALGORITHMS } from '@latchkey/guard';
import { DATA_SCOPES, MANAGEMENT_SCOPES } from '@latchkey/protocol';
import { EnvError, readEnv } from '@latchkey/service';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiEnv, checkApiEnv, toApiConfig } from '../src/env.ts';
import { ALL_SCOPES, ORIGIN, PEPPER, ROUTES, startApi, type TestApi } from './harness.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const open = (path: string, accept = '*/*') => fetch(`${api.url}${path}`, { headers: { accept } });

describe('the OpenAPI document', () => {
  // biome-ignore lint/suspicious/noExplicitAny: read as a reader of the document does.
  let document: any;
  beforeAll(async () => {
    document = await (await open('/openapi.json')).json();
  });

  test('is 3.1, and served without credentials to any origin', async () => {
    const response = await open('/openapi.json');
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(document.servers).toEqual([{ url: ORIGIN }]);
  });

  test('covers every route of the table, with its scope, and no other', () => {
    const listed = Object.entries<Record<string, { security: object }>>(document.paths).flatMap(
      ([path, item]) =>
        Object.entries(item).map(([method, { security }]) => [`${method.toUpperCase()} ${path}`, security]),
    );
    const wanted = ROUTES.map(({ method, path, scope, credentials }) => [
      `${method} ${path.replace(/:(\w+)/g, '{$1}')}`,
      credentials ? [{ oauth2: [scope] }] : [{ oauth2: [scope] }, { apiKey: [scope] }],
    ]);
    const { scopes } = document.components.securitySchemes.oauth2.flows.authorizationCode;
    expect(Object.keys(scopes).toSorted()).toEqual(ALL_SCOPES.split(' ').toSorted());
    expect(listed.toSorted()).toEqual(wanted.toSorted());
  });

  test('names each operation once, and every parameter of a path', () => {
    const operations = ROUTES.map(({ endpoint }) => endpoint.id);
    expect(new Set(operations).size).toBe(operations.length);
    for (const { path, method } of ROUTES) {
      const template = path.replace(/:(\w+)/g, '{$1}');
      const { parameters = [] } = document.paths[template][method.toLowerCase()];
      const named = parameters
        .filter((p: { in: string }) => p.in === 'path')
        .map((p: { name: string }) => p.name);
      expect(named).toEqual([...path.matchAll(/:(\w+)/g)].map(([, name]) => name));
    }
  });

  test('has something behind every reference', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
      ([, ref]) => ref ?? '',
    );
    expect(references.length).toBeGreaterThan(20);
    for (const reference of references) {
      expect(document).toHaveProperty(reference.replace('#/', '').split('/'));
    }
  });

  test('says of every field what it is, in bodies, queries and answers', () => {
    const silent = Object.entries<{ properties?: Record<string, { description?: string }> }>(
      document.components.schemas,
    ).flatMap(([name, { properties = {} }]) =>
      Object.entries(properties).flatMap(([field, { description }]) =>
        description ? [] : [`${name}.${field}`],
      ),
    );
    const asked = Object.values<object>(document.paths)
      .flatMap((item) =>
        Object.values<{ operationId: string; parameters?: Record<string, string>[] }>({ ...item }),
      )
      .flatMap(({ operationId, parameters = [] }) =>
        parameters
          .filter((parameter) => parameter.in === 'query' && !parameter.description)
          .map(({ name }) => `${operationId} ${name}`),
      );
    expect([...silent, ...asked]).toEqual([]);
  });

  test('says of a body what the API enforces: fields, limits, nothing else allowed', () => {
    const schema = document.components.schemas.CreateWorkOrder;
    expect(schema.required).toEqual(['number', 'product', 'quantity']);
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties.quantity).toMatchObject({ type: 'integer', minimum: 1, maximum: 1_000_000_000 });
    expect(schema.properties.product).toMatchObject({ type: 'string', minLength: 1, maxLength: 200 });
  });

  test('says of each POST that it takes an Idempotency-Key, and where a body is not needed', () => {
    for (const { path, method } of ROUTES) {
      const { parameters = [] } = document.paths[path.replace(/:(\w+)/g, '{$1}')][method.toLowerCase()];
      const named = JSON.stringify(parameters).includes('#/components/parameters/IdempotencyKey');
      expect([path, named]).toEqual([path, method === 'POST']);
    }
    expect(document.paths['/api/v2/api-keys/{id}/revoke'].post.requestBody.required).toBe(false);
    expect(document.paths['/api/v2/api-keys/{id}/rotate'].post.requestBody.required).toBe(false);
    expect(document.paths['/api/v2/api-keys'].post.requestBody.required).toBe(true);
  });

  test('says of every answer which limits it tells of, and of a 429 when to come back', () => {
    const { get } = document.paths['/api/v2/work-orders'];
    for (const name of ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset', 'RateLimit']) {
      expect(get.responses[200].headers).toHaveProperty([name]);
    }
    expect(document.components.responses.TooManyRequests.headers).toHaveProperty(['Retry-After']);
    const conflict = document.paths['/api/v2/work-orders'].post.responses[409];
    expect(conflict.headers).toHaveProperty(['Retry-After']);
    expect(Object.keys(get.responses)).toEqual(['200', '400', '401', '403', '429', '503']);
  });

  test('says of a list which parameters it takes', () => {
    const { parameters } = document.paths['/api/v2/work-orders'].get;
    expect(parameters.map(({ name }: { name: string }) => name)).toEqual([
      'limit',
      'cursor',
      'status',
      'priority',
      'number',
    ]);
    expect(parameters[0].schema).toMatchObject({ type: 'integer', minimum: 1, maximum: 100, default: 25 });
  });

  test('describes what the API answers: a record has exactly the fields of its schema', async () => {
    const body = { number: 'doc-1', product: 'Pump', quantity: 1 };
    const created = await api.call('POST', '/api/v2/work-orders', { body });
    const schema = document.components.schemas.WorkOrder;
    expect(Object.keys(created.body).toSorted()).toEqual(Object.keys(schema.properties).toSorted());
    expect(schema.required.toSorted()).toEqual(Object.keys(created.body).toSorted());
  });
});

describe('the introduction', () => {
  const sections = ['Authentication', 'Scopes', 'Limits', 'Errors', 'Idempotency-Key', 'Lists'];

  test('says how to get a credential and send it, what each scope is for, and what answers carry', async () => {
    // biome-ignore lint/suspicious/noExplicitAny: read as a reader of the document does.
    const { info }: any = await (await open('/openapi.json')).json();
    expect([...info.description.matchAll(/^## (.+)$/gm)].map(([, name]) => name)).toEqual(sections);
    expect(info.description).toContain(`curl ${ORIGIN}/api/v2/work-orders -H "Authorization: Bearer $TOKEN"`);
    expect(info.description).toContain(`${api.issuer.url}/oauth/token`);
    for (const [scope, words] of Object.entries({ ...DATA_SCOPES, ...MANAGEMENT_SCOPES })) {
      expect(info.description).toContain(`- \`${scope}\`: ${words}`);
    }
    for (const header of ['X-RateLimit-Remaining', 'Retry-After', 'Idempotency-Key', 'Authorization']) {
      expect(info.description).toContain(`\`${header}\``);
    }
  });

  test('stands before the operations on the page, and the front page leads to it in a sentence', async () => {
    const html = await (await open('/docs', 'text/html')).text();
    for (const name of sections) expect(html).toContain(`<h2 id="guide-${name}">${name}</h2>`);
    expect(html.indexOf('guide-Authentication')).toBeLessThan(html.indexOf('listWorkOrders'));
    const home = await (await open('/', 'text/html')).text();
    expect(home).toContain('applications, settings.');
    expect(home).not.toContain('curl');
  });
});

describe('pages', () => {
  test('the front page leads to the reference, and the reference has every operation', async () => {
    const home = await open('/', 'text/html');
    expect(home.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await home.text()).toContain('href="/docs"');
    const reference = await (await open('/docs', 'text/html')).text();
    for (const { endpoint } of ROUTES) {
      expect(reference).toContain(endpoint.summary.replaceAll("'", '&#39;'));
    }
  });

  test('everything that a page loads is there', async () => {
    const html = await (await open('/docs', 'text/html')).text();
    const assets = [...html.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '');
    expect(assets.length).toBeGreaterThan(0);
    for (const path of assets) {
      const response = await open(path);
      expect([path, response.status]).toEqual([path, 200]);
      expect(response.headers.get('cache-control')).toContain('immutable');
      await response.arrayBuffer();
    }
  });
});

test('RFC 9728: the metadata names this API, its issuer and every scope of its routes', async () => {
  const response = await open('/.well-known/oauth-protected-resource');
  expect(await response.json()).toEqual({
    resource: ORIGIN,
    authorization_servers: [api.issuer.url],
    scopes_supported: ALL_SCOPES.split(' '),
    bearer_methods_supported: ['header'],
    resource_name: 'Latchkey API',
    resource_documentation: `${ORIGIN}/docs`,
  });
  expect(ALGORITHMS.filter((name) => /^(HS|none)/.test(name))).toEqual([]);
});

describe('the environment', () => {
  const source = {
    API_ORIGIN: 'https://api.example.test/',
    ISSUER: 'https://auth.example.test',
    PEPPER: PEPPER.toString('hex'),
    DATABASE_URL: 'postgres://localhost/x',
    REDIS_URL: 'redis://localhost',
  };

  test('of five variables is enough: the audience is the origin', () => {
    expect(toApiConfig(readEnv(apiEnv, source, checkApiEnv))).toEqual({
      origin: 'https://api.example.test',
      audience: 'https://api.example.test',
      issuer: 'https://auth.example.test',
      pepper: PEPPER,
      trustedProxies: [],
      templateDirs: [],
    });
  });

  test('with several faults names them all', () => {
    const faulty = {
      ...source,
      NODE_ENV: 'production',
      API_ORIGIN: 'http://api.example.test/v1',
      ISSUER: 'http://auth.example.test',
      API_AUDIENCE: 'orders',
    };
    const read = () => readEnv(apiEnv, faulty, checkApiEnv);
    expect(read).toThrow(EnvError);
    for (const name of [
      'API_ORIGIN: must not',
      'API_ORIGIN: must be https',
      'ISSUER: must be',
      'API_AUDIENCE: must',
    ]) {
      expect(read).toThrow(name);
    }
  });
});
