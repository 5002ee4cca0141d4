import type { OpenApiDocument, OpenApiReference, OpenApiSchema } from './openapi.ts';

export interface Field {
  /** Dotted from the top: `site.name`, `items[].id`. */
  name: string;
  type: string;
  required: boolean;
  /** Where `required` holds only there: a member that may be left out. */
  within?: string;
  description: string;
  /** Allowed values, limits, default. */
  constraints: string[];
}

// Deeper nesting is summed up by its type alone: a reader wants the shape, and schemas may be circular.
const MAX_DEPTH = 4;

/** Follows a reference inside the document; what points elsewhere or nowhere is undefined. */
export function resolve<T extends object>(
  document: OpenApiDocument,
  value: T | OpenApiReference,
): T | undefined {
  const seen = new Set<string>();
  let current: unknown = value;
  while (isReference(current)) {
    if (seen.has(current.$ref) || !current.$ref.startsWith('#/')) return undefined;
    seen.add(current.$ref);
    current = lookUp(document, current.$ref);
  }
  return isObject(current) ? (current as T) : undefined;
}

function lookUp(document: OpenApiDocument, ref: string): unknown {
  let node: unknown = document;
  for (const part of ref.slice(2).split('/')) {
    // JSON Pointer, RFC 6901 §4
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    node = isObject(node) ? Object.entries(node).find(([name]) => name === key)?.[1] : undefined;
  }
  return node;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function isReference(value: unknown): value is OpenApiReference {
  return isObject(value) && '$ref' in value && typeof value.$ref === 'string';
}

/** `string (date-time)`, `array of integer`, `WorkOrder`, `string or null`. */
export function describeType(document: OpenApiDocument, schema: OpenApiSchema | undefined): string {
  if (!schema) return 'any';
  if (schema.$ref) return schema.$ref.split('/').at(-1) ?? 'any';
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants) return unique(variants.map((variant) => describeType(document, variant))).join(' or ');
  if (schema.allOf) return schema.title ?? 'object';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const types = [schema.type ?? guessType(schema)].flat();
  return types
    .map((type) => {
      if (type === 'array') return `array of ${describeType(document, schema.items)}`;
      return schema.format && type !== 'null' ? `${type} (${schema.format})` : type;
    })
    .join(' or ');
}

function guessType(schema: OpenApiSchema): string {
  if (schema.properties) return 'object';
  if (schema.items) return 'array';
  const first = schema.enum?.[0];
  return first === undefined ? 'any' : first === null ? 'null' : typeof first;
}

export function describeConstraints(schema: OpenApiSchema): string[] {
  const { minimum, maximum, minLength, maxLength } = schema;
  // Zod writes every integer's safe range into the schema; nobody needs to read it.
  const lower = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined;
  const upper = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined;
  return [
    schema.enum ? `one of ${schema.enum.map((value) => JSON.stringify(value)).join(', ')}` : '',
    range(lower, upper, ''),
    range(minLength, maxLength, ' characters'),
    schema.default === undefined ? '' : `default ${JSON.stringify(schema.default)}`,
  ].filter(Boolean);
}

function range(low: number | undefined, high: number | undefined, unit: string): string {
  if (low !== undefined && high !== undefined) return `${low} to ${high}${unit}`;
  if (low !== undefined) return `at least ${low}${unit}`;
  return high === undefined ? '' : `at most ${high}${unit}`;
}

/** The rows of an object's table, nested objects and arrays of objects unfolded. */
export function describeFields(document: OpenApiDocument, schema: OpenApiSchema): Field[] {
  return unfold(document, schema, { prefix: '', within: '', depth: 0 });
}

/** Where an object stands: `within` names the nearest one around it that may be left out. */
interface Place {
  prefix: string;
  within: string;
  depth: number;
}

function unfold(document: OpenApiDocument, schema: OpenApiSchema, place: Place): Field[] {
  const { prefix, within, depth } = place;
  const object = flatten(document, schema);
  if (!object || depth >= MAX_DEPTH) return [];
  if (object.items)
    return unfold(document, object.items, { prefix: `${prefix}[]`, within, depth: depth + 1 });
  return Object.entries(object.properties ?? {}).flatMap(([key, property]) => {
    if (!property) return [];
    const name = prefix ? `${prefix}.${key}` : key;
    const target = resolve<OpenApiSchema>(document, property) ?? property;
    const required = object.required?.includes(key) ?? false;
    const field: Field = {
      name,
      type: describeType(document, property),
      required,
      ...(required && within ? { within } : {}),
      description: property.description ?? target.description ?? '',
      constraints: describeConstraints(target),
    };
    const inside = { prefix: name, within: required ? within : name, depth: depth + 1 };
    return [field, ...unfold(document, property, inside)];
  });
}

/** One schema with references followed, `allOf` merged, and the one variant that is not null chosen. */
function flatten(
  document: OpenApiDocument,
  schema: OpenApiSchema,
  within: readonly OpenApiSchema[] = [],
): OpenApiSchema | undefined {
  const target = resolve<OpenApiSchema>(document, schema);
  if (!target || within.includes(target)) return undefined;
  const inner = (part: OpenApiSchema) => flatten(document, part, [...within, target]);
  const variants = (target.oneOf ?? target.anyOf)?.filter((variant) => variant.type !== 'null');
  const only = variants?.length === 1 ? variants[0] : undefined;
  if (only) return inner(only);
  if (!target.allOf) return target;
  const parts = target.allOf.map((part) => inner(part) ?? {});
  return {
    ...target,
    properties: Object.assign({}, ...[...parts, target].map((part) => part.properties)),
    required: [...parts, target].flatMap((part) => part.required ?? []),
  };
}

function unique(values: string[]): string[] {
  return [...new Set(values)];
}
