import { expiresAt } from '@latchkey/registry';
import { InvalidArgumentError } from 'commander';

/** Says that something has no value, where leaving the option out leaves the value alone. */
const NONE = 'none';

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

export function parseDays(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('Say a whole number of days.');
  return Number(text);
}

/** Requests per minute, or null for `none`. Not a parser of commander's, which takes null for a missing value. */
export function readRateLimit(text: string | undefined): number | null | undefined {
  if (text === undefined) return undefined;
  if (text === NONE) return null;
  if (!/^\d{1,10}$/.test(text))
    throw new UsageError(`--rate-limit ${text}: say requests per minute, or none.`);
  return Number(text);
}

/** Addresses and ranges that were said one by one; none at all for `none` alone. */
export function readRanges(ranges: string[] | undefined): string[] | undefined {
  return ranges?.length === 1 && ranges[0] === NONE ? [] : ranges;
}

export const END_HELP = 'an instant (2031-12-31T23:59:59Z) or a time from now (90d)';

/** The instant of an instant or of a duration from now; null for `none`. @throws {UsageError} naming the option */
export function readEnd(option: string, text: string, now: Date): Date | null {
  if (text === NONE) return null;
  if (/^\d{1,6}[smhd]$/.test(text)) return new Date(now.getTime() + parseDuration(text) * 1000);
  const { success, data } = expiresAt.safeParse(text);
  if (!success) throw new UsageError(`${option} ${text}: say ${END_HELP}, or none.`);
  return data;
}
