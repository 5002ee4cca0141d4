import { DATA_SCOPES, ERRORS, type ErrorCode } from '@latchkey/protocol';
import { z } from 'zod';
import type { ApiConfig } from './config.ts';
import type { Answer, Endpoint } from './endpoint.ts';
import type { Route } from './route-table.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document, made from the schemas that validate the requests. */
export function describeRoutes(routes: Route[], config: ApiConfig) {
  const paths: Record<string, Json> = {};
  const schemas: Record<string, Json> = { Error: errorSchema() };
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: describeOperation(route) };
    const { answer } = route.endpoint;
    if (answer.status !== 204) schemas[answer.name] ??= jsonSchema(answer.schema, 'output');
    if (route.endpoint.body) schemas[bodyName(route.endpoint)] = jsonSchema(route.endpoint.body, 'input');
  }
  return {
    openapi: '3.1.1',
    info: {
      title: `${config.productName ?? 'Latchkey'} API`,
      version: '2.0.0',
      description:
        'Work orders, operations, quality and inventory. Every record belongs to your organization and to the ' +
        'environment, live or test, of the credential.',
    },
    servers: [{ url: config.origin }],
    tags: [...new Set(routes.map(({ endpoint }) => endpoint.tag))].map((name) => ({ name })),
    paths,
    components: { schemas, securitySchemes: { oauth2: describeSecurity(config) } },
  };
}

function describeOperation({ path, scope, endpoint }: Route): Json {
  const { id, summary, description, tag, query, body, answer, conflict } = endpoint;
  const codes: ErrorCode[] = [
    'unauthorized',
    'insufficient_scope',
    'invalid_request',
    'temporarily_unavailable',
  ];
  if (path.includes(':')) codes.push('not_found');
  if (body) codes.push('invalid_body', 'unsupported_media_type', 'payload_too_large');
  if (conflict) codes.push('conflict');
  const parameters = [...pathParameters(path), ...(query ? queryParameters(query) : [])];
  return {
    operationId: id,
    summary,
    ...(description ? { description } : {}),
    tags: [tag],
    security: [{ oauth2: [scope] }],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: { required: true, content: json(bodyName(endpoint)) } } : {}),
    responses: {
      [answer.status]: describeAnswer(answer),
      ...describeErrors(codes, conflict),
    },
  };
}

function describeAnswer(answer: Answer): Json {
  if (answer.status === 204) return { description: 'Done' };
  return { description: answer.status === 201 ? 'Created' : 'OK', content: json(answer.name) };
}

function describeErrors(codes: ErrorCode[], conflict: string | undefined): Record<string, Json> {
  const byStatus = codes.toSorted((a, b) => ERRORS[a].status - ERRORS[b].status);
  return Object.fromEntries(
    byStatus.map((code) => {
      const description = code === 'conflict' && conflict ? conflict : ERRORS[code].description;
      return [ERRORS[code].status, { description, content: json('Error') }];
    }),
  );
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodType): Json[] {
  const { properties = {} } = jsonSchema(query, 'input') as { properties?: Record<string, Json> };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    ...(description ? { description } : {}),
    schema,
  }));
}

const json = (name: string) => ({ 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } });

const bodyName = ({ id }: Endpoint) => `${id.charAt(0).toUpperCase()}${id.slice(1)}`;

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' });
  return rest;
}

function errorSchema(): Json {
  return jsonSchema(
    z.object({
      error: z.string().describe('A stable code'),
      error_description: z.string().describe('What to do about it'),
      request_id: z.string().optional().describe('To quote to support'),
      fields: z
        .array(z.object({ field: z.string(), message: z.string() }))
        .optional()
        .describe('What is wrong, by field'),
    }),
    'output',
  );
}

function describeSecurity({ issuer }: ApiConfig): Json {
  const used = Object.fromEntries(
    Object.entries(DATA_SCOPES).filter(([scope]) => !scope.startsWith('webhooks:')),
  );
  return {
    type: 'oauth2',
    description: 'Send the access token as `Authorization: Bearer <token>`, never in a URL.',
    flows: {
      authorizationCode: {
        authorizationUrl: `${issuer}/oauth/authorize`,
        tokenUrl: `${issuer}/oauth/token`,
        scopes: used,
      },
      clientCredentials: { tokenUrl: `${issuer}/oauth/token`, scopes: used },
    },
  };
}
