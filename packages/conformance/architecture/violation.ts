export interface Violation {
  readonly path: string;
  readonly line?: number;
  readonly message: string;
}

export function formatViolation({ path, line, message }: Violation): string {
  return `${path}${line === undefined ? '' : `:${line}`} ${message}`;
}
