import { createOperator, type Operator } from '@latchkey/registry';
import { defineEnv, type Env, EnvError, type EnvSpec, readEnv, variable } from '@latchkey/service';
import {
  type FeedEvent,
  openPostgres,
  openRedis,
  parseRedisUrl,
  type SharedStorage,
} from '@latchkey/storage';
import type { Command } from 'commander';
import { confirmOrCancel } from './ask.ts';
import { createOutput, type Output } from './output.ts';

const secret = true;

/** To read. */
export const READ = defineEnv({
  DATABASE_URL: {
    schema: variable.postgresUrl(),
    secret,
    description: 'PostgreSQL: postgres://user:password@host:5432/db',
  },
});

/** To change what running processes keep copies of. */
export const CHANGE = defineEnv({
  ...READ,
  REDIS_URL: { schema: variable.parsed(parseRedisUrl), secret, description: 'Redis: redis://host:6379' },
});

/** To make client secrets and API keys. */
export const CHANGE_SECRETS = defineEnv({
  ...CHANGE,
  PEPPER: {
    schema: variable.key(),
    secret,
    description: 'Key under which client secrets and API keys are stored',
  },
});

/** To make signing keys. */
export const CHANGE_KEYS = defineEnv({
  ...CHANGE,
  ENCRYPTION_KEY: { schema: variable.key(), secret, description: 'Key under which signing keys are stored' },
});

export interface Session<S extends EnvSpec> {
  env: Env<S>;
  operator: Operator;
  out: Output;
  /** Asks, unless --yes was said. */
  confirm(question: string): Promise<void>;
}

/** Revoking all that was issued for an organisation or a client is one statement, however much it is. */
const STATEMENT_TIMEOUT_MS = 60_000;

interface GlobalOptions {
  json?: boolean;
  yes?: boolean;
}

/** Runs a command on the stores that the environment names, and closes them. */
export async function withSession<S extends EnvSpec & typeof READ>(
  command: Command,
  spec: S,
  run: (session: Session<S>) => Promise<void>,
): Promise<void> {
  const { json = false, yes = false } = command.optsWithGlobals<GlobalOptions>();
  const out = createOutput(json);
  const env = readStores(spec);
  const durable = openPostgres({
    url: String(env.DATABASE_URL),
    poolSize: 2,
    applicationName: 'latchkey cli',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  const shared = 'REDIS_URL' in env ? openRedis({ url: String(env.REDIS_URL) }) : undefined;
  try {
    await durable.checkSchema();
    const operator = createOperator({ durable, feed: createFeed(shared, out), name: 'cli' });
    await run({ env, operator, out, confirm: (question) => confirmOrCancel(question, yes) });
  } finally {
    await Promise.all([durable.close(), shared?.close()]);
  }
}

/** @throws {EnvError} with a way out for whoever has no deployment yet */
export function readStores<S extends EnvSpec>(spec: S): Env<S> {
  try {
    return readEnv(spec);
  } catch (error) {
    if (!(error instanceof EnvError)) throw error;
    const faults = error.faults.map((fault) => {
      const name = fault.split(':', 1)[0] ?? '';
      return `${fault} (${spec[name]?.description ?? 'see the README'})`;
    });
    const explained = new EnvError(faults);
    if (!process.env.DATABASE_URL && !process.env.DATABASE_URL_FILE) explained.message += `\n${STANDALONE}`;
    throw explained;
  }
}

const STANDALONE =
  'The database of `npm start` belongs to that process alone. To change it, API keys included, declare the change ' +
  'in a file (infra/apply.example.yaml) and run: npm start -- --apply FILE';

/** One message and no more tries when Redis is away: each try takes seconds. */
function createFeed(shared: SharedStorage | undefined, out: Output) {
  let missed = false;
  return {
    async publish(event: FeedEvent) {
      if (!shared || missed) return;
      try {
        await shared.feed.publish(event);
      } catch {
        missed = true;
        out.warn(
          'Redis is not reachable. The change is made, but running processes could not be told: they will notice ' +
            'later. To tell them at once, run the command again when Redis is back.',
        );
      }
    },
  };
}
