import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { createTrustedProxies } from './proxies.ts';

/** One environment variable of a service. */
export interface Variable<T = unknown> {
  /** Reads the text; absent variables are `undefined`, so defaults belong here. */
  schema: z.ZodType<T>;
  /** One line for the operator. */
  description: string;
  /** May come from a file named by `<NAME>_FILE`, and is never printed. */
  secret?: boolean;
}

export type EnvSpec = Record<string, Variable>;
export type Env<S extends EnvSpec> = { [K in keyof S]: S[K] extends Variable<infer T> ? T : never };

/** Everything that is wrong with the environment, at once. */
export class EnvError extends Error {
  override name = 'EnvError';
  readonly faults: string[];

  constructor(faults: string[]) {
    super(
      `The environment has ${faults.length} fault(s):\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    );
    this.faults = faults;
  }
}

/** Keeps the literal type of each variable. */
export function defineEnv<S extends EnvSpec>(spec: S): S {
  return spec;
}

/**
 * Reads and checks every variable of `spec`. `check` names faults that concern what values mean, or several variables
 * together; those that are missing or faulty by themselves are absent from what it is given.
 * @throws {EnvError} naming every fault
 */
export function readEnv<S extends EnvSpec>(
  spec: S,
  source: NodeJS.ProcessEnv = process.env,
  check: (env: Partial<Env<S>>) => string[] = () => [],
): Env<S> {
  const faults: string[] = [];
  const env: Record<string, unknown> = {};
  for (const [name, variable] of Object.entries(spec)) {
    try {
      const result = variable.schema.safeParse(readText(name, variable, source));
      if (result.success) env[name] = result.data;
      else faults.push(`${name}: ${result.error.issues.map((issue) => issue.message).join('; ')}`);
    } catch (error) {
      faults.push(`${name}_FILE: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  faults.push(...check(env as Partial<Env<S>>));
  if (faults.length > 0) throw new EnvError(faults);
  return env as Env<S>;
}

function readText(name: string, variable: Variable, source: NodeJS.ProcessEnv): string | undefined {
  const file = variable.secret ? source[`${name}_FILE`] : undefined;
  const text = source[name] || undefined;
  if (!file) return text;
  if (text !== undefined) throw new Error(`${name} is set as well; set one of the two`);
  return readFileSync(file, 'utf8').trimEnd();
}

const REQUIRED = 'is required';
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

/** Schemas for the kinds of value that recur. */
export const variable = {
  text: () => z.string({ error: REQUIRED }).min(1, REQUIRED),
  port: (fallback: number) => z.coerce.number().int().min(0).max(65535, 'must be a port').default(fallback),
  seconds: (fallback: number) =>
    z.coerce
      .number({ error: 'must be a number of seconds' })
      .int()
      .min(1, 'must be at least 1')
      .default(fallback),
  flag: (fallback: boolean) =>
    z
      .enum(['true', 'false'], { error: 'must be true or false' })
      .default(fallback ? 'true' : 'false')
      .transform((text) => text === 'true'),
  /** An http(s) URL without trailing slash, query or fragment. */
  origin: () =>
    z.string({ error: REQUIRED }).transform((text, context) => {
      const url = URL.parse(text);
      if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username) {
        context.addIssue('must be an http(s) URL without query, fragment or credentials');
        return z.NEVER;
      }
      return url.href.replace(/\/$/, '');
    }),
  /** Exactly 32 bytes, base64url or base64 or hex. */
  key: () => z.string({ error: REQUIRED }).transform(readKey),
  list: () =>
    z
      .string()
      .default('')
      .transform((text) =>
        text
          .split(',')
          .map((part) => part.trim())
          .filter(Boolean),
      ),
  postgresUrl: () => z.string({ error: REQUIRED }).regex(/^postgres(ql)?:\/\/./, 'must be a postgres:// URL'),
  /** Text that `parse` takes. What it throws is printed, so the message must not repeat a secret. */
  parsed: (parse: (text: string) => unknown) => z.string({ error: REQUIRED }).superRefine(takenBy(parse)),
  /** Addresses or CIDR ranges, comma-separated. */
  addressRanges: () => variable.list().superRefine(takenBy(createTrustedProxies)),
  logLevel: () => z.enum(LOG_LEVELS, { error: 'must be debug, info, warn, error or silent' }).default('info'),
};

function takenBy<T>(parse: (value: T) => unknown) {
  return (value: T, context: { addIssue(message: string): void }) => {
    try {
      parse(value);
    } catch (error) {
      context.addIssue(error instanceof Error ? error.message : String(error));
    }
  };
}

function readKey(text: string, context: { addIssue(message: string): void }): Buffer {
  const bytes = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  if (bytes.length !== 32) {
    context.addIssue('must be 32 bytes in base64url or hex; `openssl rand -hex 32` makes one');
    return z.NEVER;
  }
  if (new Set(bytes).size < 8) {
    context.addIssue('is not random; `openssl rand -hex 32` makes one that is');
    return z.NEVER;
  }
  return bytes;
}
