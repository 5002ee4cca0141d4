import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parseValue } from '../src/faults.ts';
import { ROUTES } from './harness.ts';

/** As people read it: the field, then the words. */
const WORDS = /^(is|are|may|has|holds|needs|belongs|cannot|must) [^"]*[^.]$/;
/** What validators say when nobody told them better. */
const RAW = /invalid|expected|received|too (big|small)|unrecognized/i;

const VALUES = [
  undefined,
  null,
  '',
  'x',
  '\0',
  'x'.repeat(3000),
  -1,
  0.5,
  1e12,
  Number.NaN,
  true,
  [],
  [1, null],
  [''],
  ['x'],
  Array(300).fill('10.0.0.1'),
  {},
  { x: {} },
  { keys: [1] },
  { keys: [{ kty: 7 }] },
];

const shapes = ROUTES.flatMap(({ endpoint: { id, body, query } }) => [
  ...(body ? [[`body of ${id}`, body, 'field'] as const] : []),
  ...(query ? [[`query of ${id}`, query, 'parameter'] as const] : []),
]);

describe('no caller reads the words of a validator', () => {
  test.each(shapes)('%s', (_, schema, kind) => {
    const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
    const inputs = [
      ...VALUES,
      ...Object.keys(properties).flatMap((name) => VALUES.map((value) => ({ [name]: value }))),
    ];
    for (const input of inputs) {
      const parsed = parseValue(schema as z.ZodType, input, kind);
      for (const { field, message } of 'faults' in parsed ? parsed.faults : []) {
        expect({ input, field, message }).toSatisfy(() => WORDS.test(message) && !RAW.test(message));
      }
    }
  });
});

describe('the words', () => {
  const faultsOf = (schema: z.ZodType, value: unknown, kind: 'field' | 'parameter' = 'field') => {
    const parsed = parseValue(schema, value, kind);
    return 'faults' in parsed ? parsed.faults : [];
  };
  const endpoint = (id: string) => {
    const found = ROUTES.find((route) => route.endpoint.id === id)?.endpoint;
    return { body: found?.body ?? z.never(), query: found?.query ?? z.never() };
  };

  test.each<[string, unknown, string, string]>([
    ['createWorkOrder', undefined, 'body', 'must be a JSON object'],
    ['createWorkOrder', [], 'body', 'must be a JSON object'],
    [
      'createApiKey',
      { name: 'a', ip_allowlist: ['x'] },
      'ip_allowlist[0]',
      'must be an IP address or a CIDR range',
    ],
    ['createApiKey', { name: 'a', scopes: ['quality:read', 7] }, 'scopes[1]', 'must be a string'],
    ['createApiKey', { name: 'a', environment: 'prod' }, 'environment', 'must be one of live, test'],
    ['rotateApiKey', { overlap_seconds: 1e9 }, 'overlap_seconds', 'must be at most 2592000'],
    [
      'createApplicationSecret',
      { expires_at: 'soon' },
      'expires_at',
      'must be an instant such as 2031-12-31T23:59:59Z',
    ],
    ['createInventoryItem', { sku: 'a', name: 'b', colour: 1 }, 'colour', 'is not a known field'],
  ])('%s with %j: %s %s', (id, body, field, message) => {
    expect(faultsOf(endpoint(id).body, body)).toEqual([{ field, message }]);
  });

  test.each<[string, object]>([
    ['createWorkOrder', { number: 'a', product: 'b' }],
    ['createApiKey', {}],
    ['createApplication', { application_type: 'machine' }],
    ['createApplication', { client_name: 'a' }],
    ['createApplication', { client_name: 'a', application_type: 'machine', jwks: {} }],
    ['updateApplicationSecret', {}],
  ])('%s with %j lacks a field: it is required, whatever its kind', (id, body) => {
    expect(faultsOf(endpoint(id).body, body).map(({ message }) => message)).toEqual(['is required']);
  });

  test('what is wrong in two ways is told once', () => {
    expect(faultsOf(endpoint('getUsage').query, { from: 'yesterday' }, 'parameter')).toEqual([
      { field: 'from', message: 'must be an instant such as 2031-12-31T23:59:59Z' },
    ]);
  });

  test('a list is told by its places, a member by its name, an unknown one too', () => {
    const schema = z.strictObject({
      jwks: z.strictObject({ keys: z.array(z.strictObject({ kty: z.string() })) }),
    });
    expect(faultsOf(schema, { jwks: { keys: [{ kty: 7 }, { kty: 'EC', d: 'x' }] } })).toEqual([
      { field: 'jwks.keys[0].kty', message: 'must be a string' },
      { field: 'jwks.keys[1].d', message: 'is not a known field' },
    ]);
  });
});
