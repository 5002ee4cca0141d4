import {
  addClientSecret,
  createClient,
  createResourceServer,
  deleteResourceServer,
  getResourceServer,
  type Operator,
  parseClientMetadata,
  parseInput,
  resourceServerInput,
  toInput,
  updateResourceServer,
} from '@latchkey/registry';
import { SIGNING_ALGORITHMS, TOKEN_FORMATS } from '@latchkey/storage';
import { Command } from 'commander';
import { CHANGE, CHANGE_SECRETS, READ, withSession } from '../terminal/session.ts';
import { collect, parseSeconds, UsageError } from '../terminal/usage.ts';
import { SHOWN_ONCE } from './client-secret.ts';
import { presentResourceServer } from './present.ts';

export function resourceServerCommand(): Command {
  const server = new Command('resource-server').description(
    'APIs that accept our access tokens; named by id or identifier',
  );
  addCreate(server);
  addReads(server);
  addUpdate(server);
  addDelete(server);
  return server.addHelpText(
    'after',
    `
Examples:
  latchkey resource-server create --identifier https://api.example.com --name "Acme API" --default \\
    --scope "orders:read=List and read orders" --scope "orders:write=Create and change orders"
  latchkey resource-server create --identifier https://ledger.example.com --name Ledger \\
    --token-format opaque --with-introspection`,
  );
}

interface Options {
  identifier?: string;
  name?: string;
  scope?: string[];
  tokenFormat?: string;
  tokenTtlSeconds?: number;
  signingAlgorithm?: string;
  apiKeys?: boolean;
  default?: boolean;
  introspectionClient?: string;
}

function addOptions(command: Command): Command {
  return command
    .option(
      '--scope <scope=description>',
      'a scope, and what it permits in words; repeat for several',
      collect,
    )
    .option('--token-format <format>', `of its access tokens: ${TOKEN_FORMATS.join(', ')}`)
    .option('--token-ttl-seconds <seconds>', 'how long they live (default: 3600)', parseSeconds)
    .option('--signing-algorithm <algorithm>', `of its JWTs: ${SIGNING_ALGORITHMS.join(', ')}`)
    .option('--api-keys', 'it accepts API keys besides tokens')
    .option('--no-api-keys', 'it accepts tokens alone (the default)')
    .option('--default', 'use it where a request names no resource; takes that from any other')
    .option('--introspection-client <client>', 'the client with which it introspects');
}

/** The options that were said, in the words of the input. */
function readOptions(options: Options): Record<string, unknown> {
  const input = {
    identifier: options.identifier,
    name: options.name,
    scopes: options.scope && Object.fromEntries(options.scope.map(readScope)),
    token_format: options.tokenFormat,
    token_ttl_seconds: options.tokenTtlSeconds,
    signing_algorithm: options.signingAlgorithm,
    accepts_api_keys: options.apiKeys,
    default: options.default,
    introspection_client: options.introspectionClient,
  };
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}

function readScope(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--scope ${text}: say the scope, "=", and what it permits in words.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

interface CreateOptions extends Options {
  id?: string;
  withIntrospection?: boolean;
}

function addCreate(server: Command): void {
  const create = server
    .command('create')
    .description('register a resource server')
    .requiredOption('--identifier <uri>', 'its absolute URI: "resource" in requests, "aud" in tokens')
    .requiredOption('--name <name>', 'what people read on the consent page')
    .option('--id <id>', 'its id (rs_…); made when absent')
    .option('--with-introspection', 'make a client for its introspection, and show the secret once');
  addOptions(create).action((options: CreateOptions, command: Command) =>
    withSession(command, CHANGE_SECRETS, async ({ env, operator, out }) => {
      if (options.withIntrospection && options.introspectionClient !== undefined) {
        throw new UsageError('--with-introspection and --introspection-client exclude each other.');
      }
      const input = parseInput(resourceServerInput, { ...readOptions(options), id: options.id });
      const made = await createResourceServer(operator, input);
      if (!options.withIntrospection) return out.record(presentResourceServer(made));
      const client = await createIntrospectionClient(operator, made.name);
      const { secret } = await addClientSecret(operator, env.PEPPER, client);
      const linked = await updateResourceServer(operator, made.id, {
        ...input,
        introspection_client: client,
      });
      out.record({ ...presentResourceServer(linked), client_id: client, client_secret: secret });
      out.say(SHOWN_ONCE);
    }),
  );
}

async function createIntrospectionClient(operator: Operator, name: string): Promise<string> {
  const metadata = parseClientMetadata({ client_name: name, application_type: 'resource_server' });
  const client = await createClient(operator, { organizationId: null, environment: 'live', metadata });
  return client.id;
}

function addReads(server: Command): void {
  server
    .command('list')
    .description('list resource servers, oldest first')
    .action((_options: unknown, command: Command) =>
      withSession(command, READ, async ({ operator, out }) => {
        const servers = await operator.durable.resourceServers.list();
        const columns = ['id', 'identifier', 'name', 'token_format', 'token_ttl_seconds', 'default'];
        out.list(servers.map(presentResourceServer), columns, 'No resource servers yet.');
      }),
    );
  server
    .command('show <resource-server>')
    .description('show a resource server')
    .action((name: string, _options: unknown, command: Command) =>
      withSession(command, READ, async ({ operator, out }) => {
        out.record(presentResourceServer(await getResourceServer(operator, name)));
      }),
    );
}

function addUpdate(server: Command): void {
  const update = server
    .command('update <resource-server>')
    .description('change what is named; --scope replaces all scopes')
    .option('--identifier <uri>', 'its absolute URI')
    .option('--name <name>', 'what people read on the consent page');
  // After --default: commander takes a --no-… that stands first for an option that is on by default.
  addOptions(update)
    .option('--no-default', 'no longer use it where a request names no resource')
    .action((name: string, options: Options, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out }) => {
        const before = await getResourceServer(operator, name);
        const input = parseInput(resourceServerInput, { ...toInput(before), ...readOptions(options) });
        out.record(presentResourceServer(await updateResourceServer(operator, before.id, input)));
      }),
    );
}

function addDelete(server: Command): void {
  server
    .command('delete <resource-server>')
    .description('delete it; no more tokens are issued for it')
    .action((name: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out, confirm }) => {
        const { id, identifier } = await getResourceServer(operator, name);
        await confirm(`Delete ${identifier} (${id})?`);
        await deleteResourceServer(operator, id);
        out.record({ deleted: id });
      }),
    );
}
