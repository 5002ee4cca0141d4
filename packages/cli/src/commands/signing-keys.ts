import { retireSigningKey, rotateSigningKey } from '@latchkey/registry';
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '@latchkey/storage';
import { Command, Option } from 'commander';
import { CHANGE, CHANGE_KEYS, READ, withSession } from '../terminal/session.ts';
import { parseDuration } from '../terminal/usage.ts';
import { presentSigningKey } from './present.ts';

const COLUMNS = ['kid', 'algorithm', 'state', 'active_at', 'retired_at'];

export function signingKeysCommand(): Command {
  const keys = new Command('signing-keys').description('key pairs that sign tokens');
  addList(keys);
  addRotate(keys);
  addRetire(keys);
  return keys.addHelpText(
    'after',
    `
A key is published first (waiting), signs later (signing), and stays published after its successor took over
(retiring) until its last token has expired (retired). No process is restarted.

Examples:
  latchkey signing-keys rotate
  latchkey signing-keys rotate --algorithm RS256 --activate-after 24h
  latchkey signing-keys rotate --emergency        the old key has leaked`,
  );
}

function addList(keys: Command): void {
  keys
    .command('list')
    .description('list published keys, or with --all every key there was')
    .option('--all', 'retired ones, too')
    .action(({ all = false }: { all?: boolean }, command: Command) =>
      withSession(command, READ, async ({ operator, out }) => {
        const found = await operator.durable.signingKeys.listAll();
        const now = operator.now();
        const shown = found
          .map((key) => presentSigningKey(key, found, now))
          .filter(({ state }) => all || state !== 'retired');
        out.list(shown, COLUMNS, 'No keys yet: the authorization server makes them when it first starts.');
      }),
    );
}

interface RotateOptions {
  algorithm: SigningAlgorithm;
  activateAfter?: number;
  emergency?: boolean;
}

function addRotate(keys: Command): void {
  keys
    .command('rotate')
    .description('publish a new key, which takes over signing later')
    .addOption(
      new Option('--algorithm <algorithm>', 'whose key').choices(SIGNING_ALGORITHMS).default('ES256'),
    )
    .option(
      '--activate-after <duration>',
      'how long it is published before it signs, at least 2m (default: 10m)',
      parseDuration,
    )
    .option(
      '--emergency',
      'the old key has leaked: sign with the new one at once, and end what the old one signed',
    )
    .action((options: RotateOptions, command: Command) =>
      withSession(command, CHANGE_KEYS, async ({ env, operator, out, confirm }) => {
        const { algorithm, emergency = false } = options;
        if (emergency) await confirm(`End every token signed with the present ${algorithm} key?`);
        const activateAfterSeconds = options.activateAfter ?? (emergency ? 0 : 600);
        const key = await rotateSigningKey(operator, env.ENCRYPTION_KEY, {
          algorithm,
          activateAfterSeconds,
          emergency,
        });
        const all = await operator.durable.signingKeys.listAll();
        out.record(presentSigningKey(key, all, operator.now()));
      }),
    );
}

function addRetire(keys: Command): void {
  keys
    .command('retire <kid>')
    .description('take a key that no longer signs out of the JWKS before its time')
    .action((kid: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out, confirm }) => {
        await confirm(`Retire key ${kid} and end every token it signed?`);
        await retireSigningKey(operator, kid);
        out.record({ retired: kid });
      }),
    );
}
