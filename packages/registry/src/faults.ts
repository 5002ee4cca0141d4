import type { Fault } from '@latchkey/protocol';
import type { z } from 'zod';

/** What was asked for breaks the rules. Holds every fault. */
export class InvalidInputError extends Error {
  override name = 'InvalidInputError';
  readonly faults: Fault[];

  /** `heading` stands above the faults in the message. */
  constructor(faults: Fault[], heading?: string) {
    super([...(heading ? [heading] : []), ...faults.map(formatFault)].join('\n'));
    this.faults = faults;
  }
}

/** There is no such record. */
export class NotFoundError extends Error {
  override name = 'NotFoundError';

  constructor(what: string, id: string) {
    super(`There is no ${what} ${JSON.stringify(id)}`);
  }
}

/** The record is in a state that does not allow the change. The message is for whoever asked. */
export class StateError extends Error {
  override name = 'StateError';
}

/** Parses untrusted input. @throws {InvalidInputError} naming every fault by its path */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new InvalidInputError(result.error.issues.flatMap(toFaults));
}

function toFaults(issue: z.core.$ZodIssue): Fault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: formatPath([...issue.path, key]),
      message: 'is not a known member',
    }));
  }
  return [{ field: formatPath(issue.path), message: issue.message }];
}

/** `clients[0].redirect_uris[1]` */
export function formatPath(path: PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

function formatFault({ field, message }: Fault): string {
  return field === '' ? message : `${field}: ${message}`;
}
