import type { Fault } from '@latchkey/protocol';
import type { z } from 'zod';

export type Parsed<T> = { data: T } | { faults: Fault[] };

/**
 * Reads a value by its schema, or says what is wrong with it in words for people: one fault for each field.
 * @param kind what an entry of the value is called
 */
export function parseValue<T>(schema: z.ZodType<T>, value: unknown, kind: 'field' | 'parameter'): Parsed<T> {
  // A schema's own words go before these.
  const result = schema.safeParse(value, { error: describeIssue });
  if (result.success) return { data: result.data };
  const faults = result.error.issues.flatMap((issue) => toFaults(issue, value, kind));
  const byField = new Map<string, Fault>();
  for (const fault of faults) if (!byField.has(fault.field)) byField.set(fault.field, fault);
  return { faults: presentable([...byField.values()]) };
}

/** Names in messages are the caller's own: cut, so that an answer stays small. */
const NAME_LENGTH = 64;
const MOST_FAULTS = 20;

/** Faults as an answer may carry them; without a field they concern the whole body. */
export function presentable(faults: readonly Fault[]): Fault[] {
  return faults.slice(0, MOST_FAULTS).map(({ field, message }) => ({
    field: field.slice(0, NAME_LENGTH).toWellFormed() || 'body',
    message,
  }));
}

function toFaults(issue: z.core.$ZodIssue, value: unknown, kind: string): Fault[] {
  if (issue.code === 'unrecognized_keys') {
    const message = `is not a known ${kind}`;
    return issue.keys.map((key) => ({ field: formatPath([...issue.path, key]), message }));
  }
  const isMissing = issue.path.length > 0 && valueAt(value, issue.path) === undefined;
  return [{ field: formatPath(issue.path), message: isMissing ? 'is required' : issue.message }];
}

/** `keys[0].kty`, as the registry's rules have it. */
function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((before, part) => {
    if (typeof part === 'number') return `${before}[${part}]`;
    return before === '' ? String(part) : `${before}.${String(part)}`;
  }, '');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, part) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, part) ? Reflect.get(at, part) : undefined,
    value,
  );
}

const TYPES: Record<string, string> = {
  string: 'must be a string',
  number: 'must be a number',
  int: 'must be a whole number',
  boolean: 'must be true or false',
  array: 'must be a list',
  object: 'must be a JSON object',
  record: 'must be a JSON object',
};
const UNITS: Record<string, string> = { string: ' characters', array: ' entries' };

function describeIssue(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? 'is of the wrong type';
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      if (issue.origin === 'string' && issue.minimum === 1) return 'must not be empty';
      return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${UNITS[issue.origin] ?? ''}`;
    case 'too_big':
      return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}${UNITS[issue.origin] ?? ''}`;
    case 'invalid_format':
      if (issue.format === 'datetime') return 'must be an instant such as 2031-12-31T23:59:59Z';
      return 'is not in the right form';
    default:
      return 'is of the wrong type';
  }
}
