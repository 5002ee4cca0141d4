import { addClientSecret, getClient, revokeClientSecret } from '@latchkey/registry';
import { Command } from 'commander';
import { CHANGE, CHANGE_SECRETS, withSession } from '../terminal/session.ts';
import { parseDuration } from '../terminal/usage.ts';

export const SHOWN_ONCE =
  '\nThe secret is shown this once and stored nowhere: put it where the client will find it.';

export function clientSecretCommand(): Command {
  const secret = new Command('secret').description(
    'secrets of a client, several at once so that they can be rotated',
  );
  secret
    .command('create <client>')
    .description('make a further secret and show it once')
    .option(
      '--overlap <duration>',
      'end all older secrets after this (24h, 7d); without it they stay',
      parseDuration,
    )
    .action((id: string, { overlap }: { overlap?: number }, command: Command) =>
      withSession(command, CHANGE_SECRETS, async ({ env, operator, out }) => {
        const end = overlap === undefined ? undefined : new Date(operator.now().getTime() + overlap * 1000);
        const rotation = end ? { othersExpireAt: end } : {};
        const issued = await addClientSecret(operator, env.PEPPER, id, rotation);
        out.record({
          client_id: id,
          secret_id: issued.id,
          client_secret: issued.secret,
          older_secrets_expire_at: end ?? null,
        });
        out.say(SHOWN_ONCE);
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
  return secret.addHelpText(
    'after',
    `
A rotation without an outage: create a secret with an overlap, give it to the client, and let the old one expire.

Examples:
  latchkey client secret create client_abc --overlap 24h
  latchkey client secret revoke client_abc secret_xyz`,
  );
}
