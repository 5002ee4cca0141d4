import type { OpenApiDocument, OpenApiOperation } from '../src/index.ts';

const cursorParameters: OpenApiOperation['parameters'] = [
  {
    name: 'cursor',
    in: 'query',
    description: 'Where the previous page ended; from its `next_cursor`.',
    schema: { type: 'string' },
  },
  {
    name: 'limit',
    in: 'query',
    description: 'How many to return.',
    schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
  },
];

const failure = (description: string) => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
});

const failures = {
  401: failure('No valid credential'),
  403: failure('The credential lacks the scope'),
  429: failure('Too many requests'),
};

const body = (name: string) => ({
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } },
});

const secured = (scope: string) => [{ oauth: [scope] }];

export const referenceDocument: OpenApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'MES API',
    version: '2.0',
    description:
      'Work orders, operations, quality and inventory of an organisation.\n\n## Authentication\n\n' +
      'Every request carries an access token or an API key in the `Authorization` header.\n\n' +
      '```sh\ncurl https://api.northwind.example/api/v2/work-orders -H "Authorization: Bearer $TOKEN"\n```\n\n' +
      '## Scopes\n\nA credential holds some of these:\n\n' +
      '- `work-orders:read`: list and read work orders\n- `inventory:read`: list and read inventory',
  },
  servers: [{ url: 'https://api.northwind.example/api/v2' }],
  tags: [
    { name: 'Work orders', description: 'What is to be made, how much of it and until when.' },
    { name: 'Inventory' },
  ],
  paths: {
    '/work-orders': {
      get: {
        operationId: 'listWorkOrders',
        tags: ['Work orders'],
        summary: 'List work orders',
        description: 'Newest first.',
        security: secured('work-orders:read'),
        parameters: [
          ...cursorParameters,
          {
            name: 'status',
            in: 'query',
            schema: {
              type: 'string',
              enum: ['planned', 'released', 'in_progress', 'completed', 'cancelled'],
            },
          },
        ],
        responses: { 200: { description: 'One page', ...body('WorkOrderPage') }, ...failures },
      },
      post: {
        operationId: 'createWorkOrder',
        tags: ['Work orders'],
        summary: 'Create a work order',
        security: secured('work-orders:write'),
        requestBody: { required: true, ...body('NewWorkOrder') },
        responses: { 201: { description: 'Created', ...body('WorkOrder') }, ...failures },
      },
    },
    '/work-orders/{id}': {
      parameters: [
        {
          name: 'id',
          in: 'path',
          required: true,
          schema: { type: 'string' },
          description: 'Its ID, `wo_…`.',
        },
      ],
      get: {
        operationId: 'getWorkOrder',
        tags: ['Work orders'],
        summary: 'Get a work order',
        security: secured('work-orders:read'),
        responses: { 200: { description: 'Found', ...body('WorkOrder') }, ...failures },
      },
      delete: {
        operationId: 'cancelWorkOrder',
        tags: ['Work orders'],
        summary: 'Cancel a work order',
        deprecated: true,
        security: secured('work-orders:write'),
        responses: { 204: { description: 'Cancelled' }, ...failures },
      },
    },
    '/inventory/items': {
      get: {
        operationId: 'listInventoryItems',
        tags: ['Inventory'],
        summary: 'List inventory items',
        security: secured('inventory:read'),
        parameters: cursorParameters,
        responses: { 200: { description: 'One page' }, ...failures },
      },
    },
    '/health': {
      get: { operationId: 'getHealth', summary: 'Health', responses: { 200: { description: 'Alive' } } },
    },
  },
  components: {
    schemas: {
      NewWorkOrder: {
        type: 'object',
        required: ['number', 'quantity'],
        properties: {
          number: { type: 'string', description: 'Unique in the organisation.', maxLength: 64 },
          quantity: { type: 'integer', minimum: 1 },
          due_at: { type: ['string', 'null'], format: 'date-time' },
          site: {
            type: 'object',
            required: ['code'],
            properties: { code: { type: 'string' }, line: { type: 'string' } },
          },
        },
      },
      WorkOrder: {
        allOf: [
          { $ref: '#/components/schemas/NewWorkOrder' },
          {
            type: 'object',
            required: ['id', 'created_at'],
            properties: {
              id: { type: 'string' },
              created_at: { type: 'string', format: 'date-time' },
              replaces: { anyOf: [{ $ref: '#/components/schemas/WorkOrder' }, { type: 'null' }] },
            },
          },
        ],
      },
      WorkOrderPage: {
        type: 'object',
        required: ['data'],
        properties: {
          data: { type: 'array', items: { $ref: '#/components/schemas/WorkOrder' } },
          next_cursor: { type: ['string', 'null'] },
        },
      },
      Error: {
        type: 'object',
        required: ['error'],
        properties: {
          error: { type: 'string' },
          error_description: { type: 'string' },
          request_id: { type: 'string' },
        },
      },
    },
  },
};
