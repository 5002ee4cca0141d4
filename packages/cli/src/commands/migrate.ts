import { openPostgres } from '@latchkey/storage';
import { Command } from 'commander';
import { createOutput } from '../terminal/output.ts';
import { READ, readStores } from '../terminal/session.ts';

/** The only command that does not ask for the schema first. */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description(
      "bring the database's schema to this release; safe to run again and from several machines at once",
    )
    .action(async (_options: unknown, command: Command) => {
      const out = createOutput(command.optsWithGlobals<{ json?: boolean }>().json ?? false);
      const { DATABASE_URL: url } = readStores(READ);
      const durable = openPostgres({ url: String(url), poolSize: 1, applicationName: 'latchkey migrate' });
      try {
        const ran = await durable.migrate();
        out.list(
          ran.map((migration) => ({ migration })),
          ['migration'],
          'The schema is up to date.',
        );
      } finally {
        await durable.close();
      }
    });
}
