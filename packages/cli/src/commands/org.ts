import { PLANS } from '@latchkey/protocol';
import {
  createOrganization,
  deleteOrganization,
  disableOrganization,
  enableOrganization,
  getOrganization,
  organizationChanges,
  organizationInput,
  parseInput,
  updateOrganization,
} from '@latchkey/registry';
import { LEAKED_KEY_POLICIES } from '@latchkey/storage';
import { Command } from 'commander';
import { CHANGE, READ, withSession } from '../terminal/session.ts';
import { collect, readRanges, readRateLimit } from '../terminal/usage.ts';
import { presentMember, presentOrganization } from './present.ts';

const PLAN_HELP = `plan, which sets its limits: ${PLANS.join(', ')}`;

export function orgCommand(): Command {
  const org = new Command('org').description('organisations: who owns applications, keys and data');
  addCreate(org);
  addReads(org);
  addUpdate(org);
  addEnds(org);
  return org.addHelpText(
    'after',
    `
Examples:
  latchkey org create --name "Acme Manufacturing" --plan professional
  latchkey org update org_acme --rate-limit 50000 --ip-allowlist 203.0.113.0/24 --ip-allowlist 2001:db8::/32
  latchkey org update org_acme --ip-allowlist none
  latchkey org members org_acme
  latchkey org disable org_acme`,
  );
}

interface Options {
  name?: string;
  plan?: string;
  rateLimit?: string;
  ipAllowlist?: string[];
  leakedKeyPolicy?: string;
}

function addSettings(command: Command): Command {
  return command
    .option('--rate-limit <requests>', "requests per minute in place of its plan's, or none")
    .option(
      '--ip-allowlist <range>',
      'address or CIDR range its credentials may be used from, or none for anywhere; repeat for several',
      collect,
    )
    .option('--leaked-key-policy <policy>', `for keys found in public: ${LEAKED_KEY_POLICIES.join(', ')}`);
}

/** The options that were said, in the words of the input. */
function readOptions(options: Options): Record<string, unknown> {
  const input = {
    name: options.name,
    plan: options.plan,
    rate_limit: readRateLimit(options.rateLimit),
    ip_allowlist: readRanges(options.ipAllowlist),
    leaked_key_policy: options.leakedKeyPolicy,
  };
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}

function addCreate(org: Command): void {
  const create = org
    .command('create')
    .description('create an organisation')
    .requiredOption('--name <name>', 'what people call it')
    .option('--id <id>', 'its id (org_…); made when absent')
    .option('--plan <plan>', PLAN_HELP);
  addSettings(create).action((options: Options & { id?: string }, command: Command) =>
    withSession(command, CHANGE, async ({ operator, out }) => {
      const input = parseInput(organizationInput, { id: options.id, ...readOptions(options) });
      out.record(presentOrganization(await createOrganization(operator, input)));
    }),
  );
}

function addReads(org: Command): void {
  org
    .command('list')
    .description('list organisations, oldest first')
    .action((_options: unknown, command: Command) =>
      withSession(command, READ, async ({ operator, out }) => {
        const organizations = await operator.durable.organizations.list();
        const columns = ['id', 'name', 'plan', 'disabled_at'];
        out.list(organizations.map(presentOrganization), columns, 'No organisations yet.');
      }),
    );
  org
    .command('show <org>')
    .description('show an organisation')
    .action((id: string, _options: unknown, command: Command) =>
      withSession(command, READ, async ({ operator, out }) => {
        out.record(presentOrganization(await getOrganization(operator, id)));
      }),
    );
  org
    .command('members <org>')
    .description('list who has a seat in it, and with which role')
    .action((id: string, _options: unknown, command: Command) =>
      withSession(command, READ, async ({ operator, out }) => {
        await getOrganization(operator, id);
        const members = await operator.durable.organizations.listMembers(id);
        const rows = members.map(async (member) => {
          const account = await operator.durable.accounts.find(member.accountId);
          return { ...presentMember(member), email: account?.email, name: account?.name };
        });
        out.list(await Promise.all(rows), ['user', 'email', 'name', 'role'], 'No members yet.');
      }),
    );
}

function addUpdate(org: Command): void {
  const update = org
    .command('update <org>')
    .description('change what is named; a repeated option replaces the whole list')
    .option('--name <name>', 'what people call it')
    .option('--plan <plan>', PLAN_HELP);
  addSettings(update).action((id: string, options: Options, command: Command) =>
    withSession(command, CHANGE, async ({ operator, out }) => {
      const changes = parseInput(organizationChanges, readOptions(options));
      out.record(presentOrganization(await updateOrganization(operator, id, changes)));
    }),
  );
}

function addEnds(org: Command): void {
  org
    .command('disable <org>')
    .description('let nobody act for it, and end every token issued in its name')
    .action((id: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out, confirm }) => {
        const { name } = await getOrganization(operator, id);
        await confirm(`Disable ${name} (${id}) and end its tokens?`);
        out.record(presentOrganization(await disableOrganization(operator, id)));
      }),
    );
  org
    .command('enable <org>')
    .description('undo disable; ended tokens stay ended')
    .action((id: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out }) => {
        out.record(presentOrganization(await enableOrganization(operator, id)));
      }),
    );
  org
    .command('delete <org>')
    .description('delete it with its members, clients, API keys and data')
    .action((id: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out, confirm }) => {
        const { name } = await getOrganization(operator, id);
        await confirm(`Delete ${name} (${id}) with its members, clients, API keys and all data?`);
        await deleteOrganization(operator, id);
        out.record({ deleted: id });
      }),
    );
}
