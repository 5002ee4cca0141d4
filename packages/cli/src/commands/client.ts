import type { Environment } from '@latchkey/protocol';
import {
  addClientSecret,
  clientId,
  createClient,
  deleteClient,
  disableClient,
  enableClient,
  getClient,
  parseClientMetadata,
  parseInput,
  updateClient,
  usesSecrets,
} from '@latchkey/registry';
import { Command } from 'commander';
import { CHANGE, CHANGE_SECRETS, READ, withSession } from '../terminal/session.ts';
import {
  addMetadataOptions,
  environmentOption,
  type MetadataOptions,
  readMetadataOptions,
  TYPE_HELP,
} from './client-options.ts';
import { clientSecretCommand, SHOWN_ONCE } from './client-secret.ts';
import { presentClient } from './present.ts';

export function clientCommand(): Command {
  const client = new Command('client').description('OAuth clients: the applications that ask for tokens');
  addCreate(client);
  addReads(client);
  addUpdate(client);
  client.addCommand(clientSecretCommand());
  addEnds(client);
  return client.addHelpText(
    'after',
    `
Examples:
  latchkey client create --name "Shop floor" --type web --org org_acme \\
    --redirect-uri https://app.example.com/callback
  latchkey client create --name "Nightly import" --type machine --org org_acme --env test
  latchkey client update client_abc --redirect-uri https://app.example.com/callback
  latchkey client secret create client_abc --overlap 24h`,
  );
}

interface CreateOptions extends MetadataOptions {
  id?: string;
  org?: string;
  env?: Environment;
}

function addCreate(client: Command): void {
  const create = client
    .command('create')
    .description('register a client; its secret, where it has one, is shown once')
    .requiredOption('--name <name>', 'what people read on the consent page')
    .requiredOption('--type <type>', TYPE_HELP)
    .option('--id <id>', 'its client_id; made when absent')
    .option('--org <org>', 'who owns it, and for whom client credentials act')
    .addOption(environmentOption().default('live'));
  addMetadataOptions(create).action((options: CreateOptions, command: Command) =>
    withSession(command, CHANGE_SECRETS, async ({ env, operator, out }) => {
      const metadata = parseClientMetadata(readMetadataOptions(options));
      const { org: organizationId = null, env: environment = 'live' } = options;
      const id = options.id === undefined ? {} : { id: parseInput(clientId, options.id) };
      const made = await createClient(operator, { ...id, organizationId, environment, metadata });
      const issued = usesSecrets(metadata) && (await addClientSecret(operator, env.PEPPER, made.id));
      const shape = presentClient(await getClient(operator, made.id));
      out.record({ ...shape, ...(issued && { client_secret: issued.secret }) });
      if (issued) out.say(SHOWN_ONCE);
    }),
  );
}

function addReads(client: Command): void {
  client
    .command('list')
    .description('list clients, oldest first')
    .option('--org <org>', 'those of one organisation')
    .action(({ org }: { org?: string }, command: Command) =>
      withSession(command, READ, async ({ operator, out }) => {
        const clients = await operator.durable.clients.list(org === undefined ? {} : { organizationId: org });
        const columns = [
          'client_id',
          'client_name',
          'application_type',
          'organization',
          'environment',
          'disabled_at',
        ];
        out.list(clients.map(presentClient), columns, 'No clients yet.');
      }),
    );
  client
    .command('show <client>')
    .description('show a client; secrets by their ids alone')
    .action((id: string, _options: unknown, command: Command) =>
      withSession(command, READ, async ({ operator, out }) => {
        out.record(presentClient(await getClient(operator, id)));
      }),
    );
}

interface UpdateOptions extends MetadataOptions {
  org?: string;
  env?: Environment;
}

function addUpdate(client: Command): void {
  const update = client
    .command('update <client>')
    .description('change what is named; a repeated option replaces the whole list')
    .option('--name <name>', 'what people read on the consent page')
    .option('--type <type>', TYPE_HELP)
    .option('--org <org>', 'who owns it; ends the tokens it holds for another')
    .addOption(environmentOption());
  addMetadataOptions(update).action((id: string, options: UpdateOptions, command: Command) =>
    withSession(command, CHANGE, async ({ operator, out }) => {
      const named = readMetadataOptions(options);
      const updated = await updateClient(operator, id, ({ metadata }) => ({
        metadata: parseClientMetadata({ ...metadata, ...named }),
        ...(options.org !== undefined && { organizationId: options.org }),
        ...(options.env && { environment: options.env }),
      }));
      out.record(presentClient(updated));
      if (usesSecrets(updated.metadata) && updated.secrets.length === 0) {
        out.warn(`It has no secret yet: latchkey client secret create ${id}`);
      }
    }),
  );
}

function addEnds(client: Command): void {
  client
    .command('disable <client>')
    .description('refuse it, and end every token it holds')
    .action((id: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out, confirm }) => {
        const { metadata } = await getClient(operator, id);
        await confirm(`Disable ${metadata.client_name} (${id}) and end its tokens?`);
        out.record(presentClient(await disableClient(operator, id)));
      }),
    );
  client
    .command('enable <client>')
    .description('undo disable; ended tokens stay ended')
    .action((id: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out }) => {
        out.record(presentClient(await enableClient(operator, id)));
      }),
    );
  client
    .command('delete <client>')
    .description('delete it with its secrets, and end every token it holds')
    .action((id: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out, confirm }) => {
        const { metadata } = await getClient(operator, id);
        await confirm(`Delete ${metadata.client_name} (${id}) with its secrets and consents?`);
        await deleteClient(operator, id);
        out.record({ deleted: id });
      }),
    );
}
