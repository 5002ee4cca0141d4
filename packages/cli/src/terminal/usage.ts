import { InvalidArgumentError } from 'commander';

/** The command was called in a way that cannot be understood or obeyed: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** The operator said no: nothing was changed. */
export class CancelledError extends Error {
  override name = 'CancelledError';

  constructor() {
    super('Cancelled; nothing was changed.');
  }
}

/** For options that may be repeated. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** `90s`, `10m`, `24h`, `7d`, in seconds. */
export function parseDuration(text: string): number {
  const [, digits, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined) {
    throw new InvalidArgumentError('Say a number and a unit: 90s, 10m, 24h or 7d.');
  }
  return Number(digits) * SECONDS[unit as keyof typeof SECONDS];
}

export function parseSeconds(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Say a whole number of seconds.');
  return Number(text);
}
