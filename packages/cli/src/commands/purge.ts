import { DEFAULT_USAGE_RETENTION_DAYS, purgeExpired } from '@latchkey/registry';
import { Command } from 'commander';
import { READ, withSession } from '../terminal/session.ts';
import { parseDays } from '../terminal/usage.ts';
import { presentPurged } from './present.ts';

/** Tells nobody: what it deletes stands in no answer of a running process. */
export function purgeCommand(): Command {
  return new Command('purge')
    .description('delete what is long over: expired grants, tokens, revocations and answers, and old usage')
    .option(
      '--usage-retention-days <days>',
      'usage counted longer ago is deleted',
      parseDays,
      DEFAULT_USAGE_RETENTION_DAYS,
    )
    .action((options: { usageRetentionDays: number }, command: Command) =>
      withSession(command, READ, async ({ operator, out }) => {
        out.record(presentPurged(await purgeExpired(operator, options)));
      }),
    )
    .addHelpText(
      'after',
      `
To be run daily, for example from cron. It does not ask, and any number of runs may meet. Audit events are never
deleted.`,
    );
}
