import { limitVariables, readLimits } from '@latchkey/auth';
import { type Declaration, readDeclarationFile } from '@latchkey/cli';
import { defineEnv, readEnv, variable } from '@latchkey/service';
import { Command } from 'commander';
import { describeStartFailure } from './failure.ts';
import { startStandalone } from './start.ts';
import { formatWelcome } from './terminal.ts';

/** One developer's machine has one address: what bounds strangers elsewhere would only be in the way here. */
const LIMITS = {
  token: 60_000,
  tokenPerAddress: 60_000,
  introspection: 120_000,
  introspectionPerAddress: 120_000,
  signInPerAddress: 6_000,
};

const env = defineEnv({
  AUTH_PORT: {
    schema: variable.port(3000),
    description: 'Port of the authorization server; 0 takes a free one',
  },
  API_PORT: { schema: variable.port(3001), description: 'Port of the API; 0 takes a free one' },
  LOG_LEVEL: {
    schema: variable.logLevel(),
    description: 'Of the log file: debug, info, warn, error or silent',
  },
  ...limitVariables(LIMITS),
});

const program = new Command('npm start --')
  .description('Runs all of Latchkey in this process, on an embedded database, with a demo organisation.')
  .option(
    '--apply <file>',
    'first bring organisations, users, clients, resource servers and API keys to what the file declares',
  )
  .showHelpAfterError('(npm passes on what stands behind --: npm start -- --apply <file>)')
  .option('--data <folder>', 'where everything is kept', '.latchkey')
  .addHelpText(
    'after',
    `
Environment:
${Object.entries(env)
  .map(([name, { description }]) => `  ${name.padEnd(42)} ${description}`)
  .join('\n')}

Examples:
  npm start
  npm start -- --apply infra/apply.example.yaml
  AUTH_PORT=8000 API_PORT=8001 npm start`,
  )
  .parse();

const say = (text: string) => void process.stdout.write(`${text}\n`);
const warn = (text: string) => void process.stderr.write(`${text}\n`);

async function run({ apply, data }: { apply?: string; data: string }): Promise<void> {
  const settings = readEnv(env);
  const { AUTH_PORT: authPort, API_PORT: apiPort, LOG_LEVEL: logLevel } = settings;
  const declaration: Declaration | undefined =
    apply === undefined ? undefined : await readDeclarationFile(apply);
  say('Latchkey is starting…');
  const standalone = await startStandalone({
    dataDir: data,
    authPort,
    apiPort,
    logLevel,
    limits: readLimits(settings),
    declaration,
    say,
    warn,
  });
  stopOnSignals(standalone.stop);
  say(formatWelcome(standalone.description, standalone.folder));
}

function stopOnSignals(stop: () => Promise<void>): void {
  let stopping = false;
  const end = async () => {
    // Asked twice: at once.
    if (stopping) process.exit(1);
    stopping = true;
    say('Stopping…');
    await stop();
    process.exit(0);
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
}

try {
  await run(program.opts());
} catch (error) {
  warn(`Latchkey did not start. ${describeStartFailure(error)}`);
  process.exit(1);
}
