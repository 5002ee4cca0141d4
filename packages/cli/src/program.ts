import { Command } from 'commander';
import { apiKeyCommand } from './commands/api-key.ts';
import { applyCommand } from './commands/apply.ts';
import { clientCommand } from './commands/client.ts';
import { migrateCommand } from './commands/migrate.ts';
import { orgCommand } from './commands/org.ts';
import { purgeCommand } from './commands/purge.ts';
import { resourceServerCommand } from './commands/resource-server.ts';
import { signingKeysCommand } from './commands/signing-keys.ts';
import { userCommand } from './commands/user.ts';

export function createProgram(): Command {
  const program = new Command('latchkey')
    .description(
      'Runs a Latchkey deployment: its schema, organisations, users, clients, API keys, resource servers and signing keys.',
    )
    .option('--json', 'print one JSON document on stdout, for scripts')
    .option('-y, --yes', 'do not ask before destructive changes');
  const commands = [
    migrateCommand(),
    orgCommand(),
    userCommand(),
    clientCommand(),
    apiKeyCommand(),
    resourceServerCommand(),
    signingKeysCommand(),
    applyCommand(),
    purgeCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of descendants(program)) {
    command
      .configureHelp({ showGlobalOptions: true })
      .exitOverride()
      .showHelpAfterError('Add --help for what it understands.');
  }
  return program.addHelpText(
    'after',
    `
Configuration comes from the environment: DATABASE_URL to read, REDIS_URL to change, PEPPER to make client
secrets and API keys, ENCRYPTION_KEY to make signing keys; each may be read from the file that <NAME>_FILE names.
Exit codes: 0 done, 1 failed or refused, 2 not understood.

Examples:
  latchkey migrate
  latchkey org create --name "Acme Manufacturing"
  latchkey apply registry.yaml --dry-run`,
  );
}

function descendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap(descendants)];
}
