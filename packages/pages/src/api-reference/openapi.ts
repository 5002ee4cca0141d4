/** The part of OpenAPI 3.1 that the reference page reads. */
export interface OpenApiDocument {
  openapi: string;
  info: { title: string; version: string; description?: string };
  servers?: { url: string; description?: string }[];
  tags?: { name: string; description?: string }[];
  paths?: Record<string, OpenApiPathItem | undefined>;
  components?: {
    schemas?: Record<string, OpenApiSchema | undefined>;
    parameters?: Record<string, OpenApiParameter | undefined>;
    responses?: Record<string, OpenApiResponse | undefined>;
    requestBodies?: Record<string, OpenApiRequestBody | undefined>;
    [section: string]: unknown;
  };
  security?: OpenApiSecurityRequirement[];
  [extension: string]: unknown;
}

export type OpenApiSecurityRequirement = Record<string, string[]>;

export interface OpenApiReference {
  $ref: string;
}

export interface OpenApiPathItem {
  summary?: string;
  parameters?: (OpenApiParameter | OpenApiReference)[];
  get?: OpenApiOperation;
  post?: OpenApiOperation;
  put?: OpenApiOperation;
  patch?: OpenApiOperation;
  delete?: OpenApiOperation;
  [extension: string]: unknown;
}

export interface OpenApiOperation {
  operationId?: string;
  summary?: string;
  description?: string;
  tags?: string[];
  deprecated?: boolean;
  parameters?: (OpenApiParameter | OpenApiReference)[];
  requestBody?: OpenApiRequestBody | OpenApiReference;
  responses?: Record<string, OpenApiResponse | OpenApiReference | undefined>;
  security?: OpenApiSecurityRequirement[];
  [extension: string]: unknown;
}

export interface OpenApiParameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: OpenApiSchema;
  [extension: string]: unknown;
}

export type OpenApiContent = Record<
  string,
  { schema?: OpenApiSchema; [extension: string]: unknown } | undefined
>;

export interface OpenApiRequestBody {
  description?: string;
  required?: boolean;
  content?: OpenApiContent;
  [extension: string]: unknown;
}

export interface OpenApiResponse {
  description?: string;
  content?: OpenApiContent;
  [extension: string]: unknown;
}

/** JSON Schema 2020-12, the keywords shown. */
export interface OpenApiSchema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  title?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  properties?: Record<string, OpenApiSchema | undefined>;
  required?: string[];
  items?: OpenApiSchema;
  additionalProperties?: OpenApiSchema | boolean;
  allOf?: OpenApiSchema[];
  anyOf?: OpenApiSchema[];
  oneOf?: OpenApiSchema[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  [keyword: string]: unknown;
}
