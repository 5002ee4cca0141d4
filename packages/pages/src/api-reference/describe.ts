import type {
  OpenApiContent,
  OpenApiDocument,
  OpenApiOperation,
  OpenApiParameter,
  OpenApiPathItem,
  OpenApiRequestBody,
  OpenApiResponse,
} from './openapi.ts';
import { type Guide, readGuide, slug, splitPieces } from './prose.ts';
import { describeConstraints, describeFields, describeType, type Field, resolve } from './schema.ts';

export type { Field } from './schema.ts';

export interface ApiReference {
  title: string;
  version: string;
  /** What to know before the first call: the document's description. */
  guide: Guide;
  servers: { url: string; description: string }[];
  groups: OperationGroup[];
}

export interface OperationGroup {
  /** Anchor on the page. */
  id: string;
  name: string;
  description: string;
  operations: OperationView[];
}

export interface OperationView {
  /** Anchor on the page. */
  id: string;
  method: string;
  path: string;
  summary: string;
  paragraphs: string[];
  deprecated: boolean;
  /** Empty and not public: any credential will do. */
  scopes: string[];
  public: boolean;
  parameters: (Field & { in: string })[];
  body?: BodyView & { required: boolean };
  responses: ({ status: string; description: string } & Partial<BodyView>)[];
}

export interface BodyView {
  mediaType: string;
  type: string;
  fields: Field[];
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
const UNTAGGED = 'Other';

/** What the reference page shows of an OpenAPI document: operations by their first tag, in the document's order. */
export function describeApi(document: OpenApiDocument): ApiReference {
  const groups = new Map<string, OperationGroup>();
  for (const tag of document.tags ?? []) groups.set(tag.name, newGroup(tag.name, tag.description));
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item?.[method];
      if (!item || !operation) continue;
      const name = operation.tags?.[0] ?? UNTAGGED;
      const group = groups.get(name) ?? newGroup(name);
      groups.set(name, group);
      group.operations.push(describeOperation(document, path, method, item, operation));
    }
  }
  return {
    title: document.info.title,
    version: document.info.version,
    guide: readGuide(document.info.description),
    servers: (document.servers ?? []).map(({ url, description = '' }) => ({ url, description })),
    groups: [...groups.values()].filter(({ operations }) => operations.length > 0),
  };
}

function newGroup(name: string, description = ''): OperationGroup {
  return { id: `group-${slug(name)}`, name, description, operations: [] };
}

function describeOperation(
  document: OpenApiDocument,
  path: string,
  method: (typeof METHODS)[number],
  item: OpenApiPathItem,
  operation: OpenApiOperation,
): OperationView {
  const security = operation.security ?? document.security ?? [];
  const body = operation.requestBody && resolve<OpenApiRequestBody>(document, operation.requestBody);
  const bodyView = describeContent(document, body?.content);
  return {
    id: slug(operation.operationId ?? `${method}-${path}`),
    method: method.toUpperCase(),
    path,
    summary: operation.summary ?? operation.operationId ?? `${method.toUpperCase()} ${path}`,
    paragraphs: splitPieces(operation.description),
    deprecated: operation.deprecated ?? false,
    scopes: [...new Set(security.flatMap((requirement) => Object.values(requirement).flat()))],
    public: security.length === 0,
    parameters: describeParameters(document, item, operation),
    ...(bodyView && { body: { ...bodyView, required: body?.required ?? false } }),
    responses: describeResponses(document, operation),
  };
}

/** An operation's parameter replaces the path item's with the same name and place (OpenAPI 3.1 §4.8.9.1). */
function describeParameters(document: OpenApiDocument, item: OpenApiPathItem, operation: OpenApiOperation) {
  const byKey = new Map<string, Field & { in: string }>();
  for (const entry of [...(item.parameters ?? []), ...(operation.parameters ?? [])]) {
    const parameter = resolve<OpenApiParameter>(document, entry);
    if (!parameter) continue;
    byKey.set(`${parameter.in} ${parameter.name}`, {
      name: parameter.name,
      in: parameter.in,
      type: describeType(document, parameter.schema),
      required: parameter.required ?? false,
      description: parameter.description ?? parameter.schema?.description ?? '',
      constraints: parameter.schema ? describeConstraints(parameter.schema) : [],
    });
  }
  return [...byKey.values()];
}

function describeResponses(document: OpenApiDocument, operation: OpenApiOperation) {
  return Object.entries(operation.responses ?? {}).flatMap(([status, entry]) => {
    const response = entry && resolve<OpenApiResponse>(document, entry);
    if (!response) return [];
    const { description = '' } = response;
    return [{ status, description, ...describeContent(document, response.content) }];
  });
}

function describeContent(
  document: OpenApiDocument,
  content: OpenApiContent | undefined,
): BodyView | undefined {
  const [mediaType, media] = Object.entries(content ?? {})[0] ?? [];
  if (!mediaType) return undefined;
  const schema = media?.schema;
  const fields = schema ? describeFields(document, schema) : [];
  return { mediaType, type: describeType(document, schema), fields };
}
