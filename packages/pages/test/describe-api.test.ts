import { describe, expect, it } from 'vitest';
import { referenceDocument } from '../preview/openapi.ts';
import { describeApi, type OpenApiDocument, type OpenApiSchema } from '../src/index.ts';

const api = describeApi(referenceDocument);
const operations = api.groups.flatMap((group) => group.operations);
const operation = (id: string) => {
  const found = operations.find((candidate) => candidate.id === id);
  if (!found) throw new Error(`no operation ${id}`);
  return found;
};

/** The fields of a request body with this schema. */
function fieldsOf(schema: OpenApiSchema, schemas: Record<string, OpenApiSchema> = {}) {
  const document: OpenApiDocument = {
    openapi: '3.1.0',
    info: { title: 'T', version: '1' },
    paths: { '/x': { post: { requestBody: { content: { 'application/json': { schema } } } } } },
    components: { schemas },
  };
  return describeApi(document).groups[0]?.operations[0]?.body?.fields ?? [];
}

const names = (fields: { name: string }[]) => fields.map(({ name }) => name);

describe('operations', () => {
  it('are grouped by tag in the order of the tags, untagged ones last', () => {
    expect(api.groups.map(({ name, operations: list }) => [name, list.length])).toEqual([
      ['Work orders', 4],
      ['Inventory', 1],
      ['Other', 1],
    ]);
  });

  it('say their scope, or that they need none', () => {
    expect(operation('createWorkOrder')).toMatchObject({ scopes: ['work-orders:write'], public: false });
    expect(operation('getHealth')).toMatchObject({ scopes: [], public: true });
  });

  it("take the path's parameters, and replace them by their own of the same name and place", () => {
    expect(names(operation('getWorkOrder').parameters)).toEqual(['id']);
    const document: OpenApiDocument = {
      ...referenceDocument,
      paths: {
        '/x/{id}': {
          parameters: [
            { name: 'id', in: 'path', description: 'old' },
            { $ref: '#/components/parameters/Page~1Size' },
          ],
          get: { parameters: [{ name: 'id', in: 'path', description: 'new', schema: { type: 'integer' } }] },
        },
      },
      components: { parameters: { 'Page/Size': { name: 'size', in: 'query' } } },
    };
    const { parameters, id } = describeApi(document).groups[0]?.operations[0] ?? {};
    expect(id).toBe('get-x-id');
    expect(parameters).toEqual([
      expect.objectContaining({ name: 'id', type: 'integer', description: 'new' }),
      expect.objectContaining({ name: 'size', in: 'query', type: 'any' }),
    ]);
  });

  it('list their answers with what each holds', () => {
    expect(operation('cancelWorkOrder').responses[0]).toEqual({ status: '204', description: 'Cancelled' });
    expect(operation('getWorkOrder').responses.map(({ status, type }) => [status, type])).toEqual([
      ['200', 'WorkOrder'],
      ['401', 'Error'],
      ['403', 'Error'],
      ['429', 'Error'],
    ]);
  });

  it('have anchors that are unique on the page', () => {
    const ids = [...api.groups.map(({ id }) => id), ...operations.map(({ id }) => id)];
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('the guide', () => {
  it('is the description: what leads in, then its sections with paragraphs, lists and code', () => {
    expect(api.guide.lead).toEqual([
      { kind: 'paragraph', text: 'Work orders, operations, quality and inventory of an organisation.' },
    ]);
    expect(api.guide.sections).toEqual([
      {
        id: 'guide-Authentication',
        name: 'Authentication',
        blocks: [
          { kind: 'paragraph', text: expect.stringContaining('`Authorization`') },
          { kind: 'code', text: expect.stringMatching(/^curl https:.*"$/) },
        ],
      },
      {
        id: 'guide-Scopes',
        name: 'Scopes',
        blocks: [
          { kind: 'paragraph', text: 'A credential holds some of these:' },
          {
            kind: 'list',
            items: [
              '`work-orders:read`: list and read work orders',
              '`inventory:read`: list and read inventory',
            ],
          },
        ],
      },
    ]);
  });

  it('takes code as it stands, blank lines, headings and all', () => {
    const description = 'a\n\n```\n## b\n\n- c\n```\n\nd';
    const document = { ...referenceDocument, info: { title: 'T', version: '1', description } };
    expect(describeApi(document).guide).toEqual({
      lead: [
        { kind: 'paragraph', text: 'a' },
        { kind: 'code', text: '## b\n\n- c' },
        { kind: 'paragraph', text: 'd' },
      ],
      sections: [],
    });
  });

  it('is empty where the document says nothing', () => {
    const document = { ...referenceDocument, info: { title: 'T', version: '1' } };
    expect(describeApi(document).guide).toEqual({ lead: [], sections: [] });
  });
});

describe('fields', () => {
  it('say within what they are required, where that may be left out', () => {
    const fields = operation('createWorkOrder').body?.fields ?? [];
    const found = (name: string) => fields.find((field) => field.name === name);
    expect(found('site.code')).toMatchObject({ required: true, within: 'site' });
    expect(found('number')).not.toHaveProperty('within');
    const data = operation('listWorkOrders').responses[0]?.fields?.find(
      ({ name }) => name === 'data[].number',
    );
    expect(data).not.toHaveProperty('within');
  });

  it('unfold nested objects, arrays and allOf', () => {
    expect(names(operation('createWorkOrder').body?.fields ?? [])).toEqual([
      'number',
      'quantity',
      'due_at',
      'site',
      'site.code',
      'site.line',
    ]);
    const page = operation('listWorkOrders').responses[0]?.fields ?? [];
    expect(names(page)).toEqual(
      expect.arrayContaining(['data', 'data[].number', 'data[].site.code', 'data[].id']),
    );
    expect(page.find(({ name }) => name === 'data[].id')?.required).toBe(true);
  });

  it('end where a schema contains itself', () => {
    const node: OpenApiSchema = {
      type: 'object',
      properties: { next: { $ref: '#/components/schemas/Node' } },
    };
    expect(names(fieldsOf({ $ref: '#/components/schemas/Node' }, { Node: node }))).toEqual([
      'next',
      'next.next',
      'next.next.next',
      'next.next.next.next',
    ]);
    const list: OpenApiSchema = { type: 'array', items: { $ref: '#/components/schemas/List' } };
    expect(fieldsOf({ $ref: '#/components/schemas/List' }, { List: list })).toEqual([]);
    const whole: OpenApiSchema = { allOf: [{ $ref: '#/components/schemas/Whole' }] };
    expect(fieldsOf({ $ref: '#/components/schemas/Whole' }, { Whole: whole })).toEqual([]);
    const loop: OpenApiSchema = { $ref: '#/components/schemas/Loop' };
    expect(fieldsOf(loop, { Loop: loop })).toEqual([]);
  });

  it.each<[OpenApiSchema, string]>([
    [{ type: 'string', format: 'date-time' }, 'string (date-time)'],
    [{ type: ['string', 'null'] }, 'string or null'],
    [{ type: ['string', 'null'], format: 'date' }, 'string (date) or null'],
    [{ type: 'array', items: { type: 'integer' } }, 'array of integer'],
    [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, 'string or null'],
    [{ oneOf: [{ const: 'a' }, { const: 'b' }] }, '"a" or "b"'],
    [{ enum: ['a', 'b'] }, 'string'],
    [{ $ref: '#/components/schemas/Site' }, 'Site'],
    [{ $ref: 'https://elsewhere.example/schema' }, 'schema'],
    [{}, 'any'],
  ])('say the type of %j as %s', (schema, type) => {
    expect(fieldsOf({ type: 'object', properties: { x: schema } })[0]?.type).toBe(type);
  });

  it.each<[OpenApiSchema, string[]]>([
    [{ type: 'integer', minimum: 1, maximum: 200, default: 50 }, ['1 to 200', 'default 50']],
    [{ type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }, []],
    [{ type: 'number', minimum: 0 }, ['at least 0']],
    [{ type: 'string', maxLength: 64 }, ['at most 64 characters']],
    [{ type: 'string', minLength: 1, maxLength: 64 }, ['1 to 64 characters']],
    [{ enum: ['a', 'b'] }, ['one of "a", "b"']],
  ])('say the limits of %j as %j', (schema, constraints) => {
    expect(fieldsOf({ type: 'object', properties: { x: schema } })[0]?.constraints).toEqual(constraints);
  });
});
