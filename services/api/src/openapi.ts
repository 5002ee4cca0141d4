import { ERRORS } from '@latchkey/protocol';
import { z } from 'zod';
import type { ApiConfig } from './config.ts';
import type { Endpoint } from './endpoint.ts';
import {
  type DescribedError,
  describeComponents,
  errorResponse,
  type HeaderName,
  headersWith,
  IDEMPOTENCY_KEY,
  jsonContent,
} from './openapi-components.ts';
import { describeFirstSteps, SUMMARY } from './openapi-guide.ts';
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
      summary: SUMMARY,
      description: describeFirstSteps(config),
    },
    servers: [{ url: config.origin }],
    tags: [...new Set(routes.map(({ endpoint }) => endpoint.tag))].map((name) => ({ name })),
    paths,
    components: { schemas, ...describeComponents(routes, config) },
  };
}

function describeOperation({ path, method, scope, endpoint, credentials }: Route): Json {
  const { id, summary, description, tag, query, body } = endpoint;
  const parameters = [
    ...pathParameters(path),
    ...(query ? queryParameters(query) : []),
    ...(method === 'POST' ? [IDEMPOTENCY_KEY] : []),
  ];
  return {
    operationId: id,
    summary,
    ...(description ? { description } : {}),
    tags: [tag],
    // Scopes of API keys are named beside those of tokens, which OpenAPI 3.1 allows for any scheme.
    security: [
      { oauth2: [scope] },
      ...(credentials?.includes('api_key') === false ? [] : [{ apiKey: [scope] }]),
    ],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: describeBody(endpoint, body) } : {}),
    responses: { ...describeAnswer(method, endpoint), ...describeErrors(path, method, endpoint) },
  };
}

function describeBody(endpoint: Endpoint, body: z.ZodType): Json {
  return { required: !body.safeParse(undefined).success, content: jsonContent(bodyName(endpoint)) };
}

function describeAnswer(method: Route['method'], { answer, csv, query }: Endpoint): Json {
  if (answer.status === 204) return { 204: { description: 'Done', headers: headersWith() } };
  const names: HeaderName[] = [
    ...(answer.status === 201 ? (['Location'] as const) : []),
    ...(method === 'POST' ? (['Idempotent-Replayed'] as const) : []),
    ...(csv && isPaged(query) ? (['Link'] as const) : []),
  ];
  const content = {
    ...jsonContent(answer.name),
    ...(csv
      ? { 'text/csv': { schema: { type: 'string', description: 'RFC 4180, with a header row' } } }
      : {}),
  };
  const description = answer.status === 201 ? 'Created' : 'OK';
  return { [answer.status]: { description, headers: headersWith(...names), content } };
}

const isPaged = (query?: z.ZodType) => query !== undefined && propertiesOf(query).cursor !== undefined;

/** By status; an object has whole numbers in their order. */
function describeErrors(path: string, method: Route['method'], { body, conflict }: Endpoint): Json {
  const codes: DescribedError[] = [
    'invalid_request',
    'unauthorized',
    'insufficient_scope',
    'too_many_requests',
    'temporarily_unavailable',
  ];
  if (path.includes(':')) codes.push('not_found');
  if (body) codes.push('invalid_body', 'unsupported_media_type', 'payload_too_large');
  const conflicts = [
    ...(conflict ? [conflict] : []),
    ...(method === 'POST'
      ? ['The Idempotency-Key was used with another request, or its first is not done']
      : []),
  ];
  return {
    ...Object.fromEntries(codes.map((code) => [ERRORS[code].status, errorResponse(code)])),
    ...(conflicts.length > 0
      ? {
          [ERRORS.conflict.status]: {
            description: conflicts.join('. '),
            headers: headersWith(...(method === 'POST' ? (['Retry-After'] as const) : [])),
            content: jsonContent('Error'),
          },
        }
      : {}),
  };
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
  return Object.entries(propertiesOf(query)).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    ...(description ? { description } : {}),
    schema,
  }));
}

function propertiesOf(query: z.ZodType): Record<string, Json> {
  return (jsonSchema(query, 'input') as { properties?: Record<string, Json> }).properties ?? {};
}

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
