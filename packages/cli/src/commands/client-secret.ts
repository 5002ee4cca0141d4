import { addClientSecret, expireClientSecret, getClient, revokeClientSecret } from '@latchkey/registry';
import { Command } from 'commander';
import { CHANGE, CHANGE_SECRETS, withSession } from '../terminal/session.ts';
import { END_HELP, parseDuration, readEnd, UsageError } from '../terminal/usage.ts';

export const SHOWN_ONCE =
  '\nThe secret is shown this once and stored nowhere: put it where the client will find it.';

export function clientSecretCommand(): Command {
  const secret = new Command('secret').description(
    'secrets of a client, several at once so that they can be rotated',
  );
  addCreate(secret);
  addEnds(secret);
  return secret.addHelpText(
    'after',
    `
A rotation without an outage: create a secret with an overlap, give it to the client, and let the old one expire.

Examples:
  latchkey client secret create client_abc --overlap 24h
  latchkey client secret create client_abc --expires-at 90d
  latchkey client secret expire client_abc secret_xyz --at 2031-12-31T23:59:59Z
  latchkey client secret revoke client_abc secret_xyz`,
  );
}

interface CreateOptions {
  overlap?: number;
  expiresAt?: string;
}

function addCreate(secret: Command): void {
  secret
    .command('create <client>')
    .description('make a further secret and show it once')
    .option(
      '--overlap <duration>',
      'end all older secrets after this (24h, 7d); without it they stay',
      parseDuration,
    )
    .option('--expires-at <when>', `let the new one end: ${END_HELP}; without it, it stays`)
    .action((id: string, { overlap, expiresAt }: CreateOptions, command: Command) =>
      withSession(command, CHANGE_SECRETS, async ({ env, operator, out }) => {
        const now = operator.now();
        const othersExpireAt = overlap === undefined ? undefined : new Date(now.getTime() + overlap * 1000);
        const othersEnd = overlap === 0 ? 'now' : othersExpireAt;
        const end = expiresAt === undefined ? null : readEnd('--expires-at', expiresAt, now);
        const options = { othersExpireAt: othersEnd, expiresAt: end ?? undefined } as const;
        const issued = await addClientSecret(operator, env.PEPPER, id, options);
        out.record({
          client_id: id,
          secret_id: issued.id,
          client_secret: issued.secret,
          expires_at: issued.expiresAt,
          older_secrets_expire_at: othersExpireAt ?? null,
        });
        out.say(SHOWN_ONCE);
      }),
    );
}

function addEnds(secret: Command): void {
  secret
    .command('expire <client> <secret-id>')
    .description('set when a secret ends; revoke ends it now')
    .requiredOption('--at <when>', END_HELP)
    .action((id: string, secretId: string, { at }: { at: string }, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out }) => {
        const end = readEnd('--at', at, operator.now());
        if (!end) throw new UsageError('A secret that has an end keeps one: say when it is.');
        await expireClientSecret(operator, id, secretId, end);
        out.record({ secret_id: secretId, client_id: id, expires_at: end });
      }),
    );
  secret
    .command('revoke <client> <secret-id>')
    .description('end a secret now')
    .action((id: string, secretId: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out, confirm }) => {
        const { metadata } = await getClient(operator, id);
        await confirm(`Revoke secret ${secretId} of ${metadata.client_name} (${id})?`);
        await revokeClientSecret(operator, id, secretId);
        out.record({ revoked: secretId, client_id: id });
      }),
    );
}
