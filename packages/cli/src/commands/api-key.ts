import type { Environment } from '@latchkey/protocol';
import {
  type ApiKeySettings,
  createApiKey,
  DEFAULT_API_KEY_SCOPES,
  deleteApiKey,
  getApiKey,
  getOrganization,
  listApiKeys,
  revokeApiKey,
  rotateApiKey,
  updateApiKey,
} from '@latchkey/registry';
import { Command } from 'commander';
import { CHANGE, CHANGE_SECRETS, READ, withSession } from '../terminal/session.ts';
import { collect, END_HELP, parseDuration, readEnd, readRanges, readRateLimit } from '../terminal/usage.ts';
import { inOptions } from './api-key-faults.ts';
import { environmentOption } from './client-options.ts';
import { presentApiKey } from './present.ts';

const SHOWN_ONCE = '\nThe key is shown this once and stored nowhere: put it where the program will find it.';

export function apiKeyCommand(): Command {
  const apiKey = new Command('api-key').description(
    'API keys: what programs sign in with; named by id (key_…)',
  );
  addCreate(apiKey);
  addReads(apiKey);
  addUpdate(apiKey);
  addRotate(apiKey);
  addEnds(apiKey);
  return apiKey.addHelpText(
    'after',
    `
A rotation without an outage: rotate with an overlap, give the new key to the program, and let the old one expire.

Examples:
  latchkey api-key create --org org_acme --name "Line 3" --scope "work-orders:read quality:read"
  latchkey api-key create --org org_acme --env test --name "Trial" --expires-at 90d --rate-limit 100 \\
    --ip-allowlist 203.0.113.0/24
  latchkey api-key rotate key_abc --overlap 24h
  latchkey api-key revoke key_abc`,
  );
}

interface Options {
  name?: string;
  scope?: string;
  ipAllowlist?: string[];
  rateLimit?: string;
  expiresAt?: string;
}

function addSettings(command: Command): Command {
  return command
    .option('--scope <scopes>', 'what it may do, in one argument with spaces between')
    .option(
      '--ip-allowlist <range>',
      'address or CIDR range it may be used from, or none for anywhere; repeat for several',
      collect,
    )
    .option('--rate-limit <requests>', 'requests per minute of this key alone, or none')
    .option('--expires-at <when>', `when it ends: ${END_HELP}, or none`);
}

/** The options that were said. */
function readOptions(options: Options, now: Date): Partial<ApiKeySettings> {
  const { name, scope, expiresAt } = options;
  const rateLimit = readRateLimit(options.rateLimit);
  const ipAllowlist = readRanges(options.ipAllowlist);
  return {
    ...(name !== undefined && { name }),
    ...(scope !== undefined && { scopes: scope.split(' ').filter(Boolean) }),
    ...(ipAllowlist && { ipAllowlist }),
    ...(rateLimit !== undefined && { rateLimit }),
    ...(expiresAt !== undefined && { expiresAt: readEnd('--expires-at', expiresAt, now) }),
  };
}

function addCreate(apiKey: Command): void {
  const create = apiKey
    .command('create')
    .description('make a key and show it once; by default it has the data scopes')
    .requiredOption('--org <org>', 'whose key it is')
    .requiredOption('--name <name>', 'what people tell it by')
    .addOption(environmentOption().default('live'));
  addSettings(create).action(
    (options: Options & { org: string; name: string; env: Environment }, command: Command) =>
      withSession(command, CHANGE_SECRETS, async ({ env, operator, out }) => {
        const creation = createApiKey(operator, env.PEPPER, {
          scopes: [...DEFAULT_API_KEY_SCOPES],
          ipAllowlist: [],
          rateLimit: null,
          expiresAt: null,
          ...readOptions(options, operator.now()),
          name: options.name,
          organizationId: options.org,
          environment: options.env,
        });
        const issued = await inOptions(operator, creation);
        out.record({ ...presentApiKey(issued.apiKey, operator.now()), key: issued.key });
        out.say(SHOWN_ONCE);
      }),
  );
}

function addReads(apiKey: Command): void {
  apiKey
    .command('list')
    .description('list the keys of an organisation, newest first, ended ones too')
    .requiredOption('--org <org>', 'whose keys')
    .addOption(environmentOption())
    .action(({ org, env }: { org: string; env?: Environment }, command: Command) =>
      withSession(command, READ, async ({ operator, out }) => {
        await getOrganization(operator, org);
        const keys = await listApiKeys(operator, { organizationId: org, ...(env && { environment: env }) });
        const columns = ['id', 'name', 'environment', 'state', 'last_four', 'expires_at', 'last_used_at'];
        const now = operator.now();
        out.list(
          keys.map((key) => presentApiKey(key, now)),
          columns,
          'No API keys yet.',
        );
      }),
    );
  apiKey
    .command('show <key-id>')
    .description('show what is known of a key; the key itself is not')
    .action((id: string, _options: unknown, command: Command) =>
      withSession(command, READ, async ({ operator, out }) => {
        out.record(presentApiKey(await getApiKey(operator, id), operator.now()));
      }),
    );
}

function addUpdate(apiKey: Command): void {
  const update = apiKey
    .command('update <key-id>')
    .description('change what is named; ended keys stay as they are')
    .option('--name <name>', 'what people tell it by');
  addSettings(update).action((id: string, options: Options, command: Command) =>
    withSession(command, CHANGE, async ({ operator, out }) => {
      const update = updateApiKey(operator, id, readOptions(options, operator.now()));
      const updated = await inOptions(operator, update);
      out.record(presentApiKey(updated, operator.now()));
    }),
  );
}

const DAY_SECONDS = 86_400;

function addRotate(apiKey: Command): void {
  apiKey
    .command('rotate <key-id>')
    .description('make a key with the same settings, show it once, and let the old one expire')
    .option('--overlap <duration>', 'how long the old one lives on (0s to 30d; default: 24h)', parseDuration)
    .action((id: string, { overlap = DAY_SECONDS }: { overlap?: number }, command: Command) =>
      withSession(command, CHANGE_SECRETS, async ({ env, operator, out, confirm }) => {
        const { name } = await getApiKey(operator, id);
        if (overlap === 0) await confirm(`Rotate ${name} (${id}) and end the old key at once?`);
        const issued = await rotateApiKey(operator, env.PEPPER, id, { overlapSeconds: overlap });
        const old = await getApiKey(operator, id);
        const shape = presentApiKey(issued.apiKey, operator.now());
        out.record({ ...shape, key: issued.key, old_key: id, old_key_expires_at: old.expiresAt });
        out.say(SHOWN_ONCE);
      }),
    );
}

function addEnds(apiKey: Command): void {
  apiKey
    .command('revoke <key-id>')
    .description('refuse it from now on; its record stays')
    .action((id: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out, confirm }) => {
        const { name } = await getApiKey(operator, id);
        await confirm(`Revoke API key ${name} (${id})? There is no way back.`);
        out.record(presentApiKey(await revokeApiKey(operator, id), operator.now()));
      }),
    );
  apiKey
    .command('delete <key-id>')
    .description('revoke it and delete its record; the audit log keeps what it was')
    .action((id: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out, confirm }) => {
        const { name } = await getApiKey(operator, id);
        await confirm(`Delete API key ${name} (${id})?`);
        await deleteApiKey(operator, id);
        out.record({ deleted: id });
      }),
    );
}
