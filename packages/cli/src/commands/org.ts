import { PLANS } from '@latchkey/protocol';
import {
  createOrganization,
  deleteOrganization,
  disableOrganization,
  enableOrganization,
  getOrganization,
  organizationInput,
  parseInput,
  updateOrganization,
} from '@latchkey/registry';
import { Command } from 'commander';
import { CHANGE, READ, withSession } from '../terminal/session.ts';
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
  latchkey org members org_acme
  latchkey org disable org_acme`,
  );
}

function addCreate(org: Command): void {
  org
    .command('create')
    .description('create an organisation')
    .requiredOption('--name <name>', 'what people call it')
    .option('--id <id>', 'its id (org_…); made when absent')
    .option('--plan <plan>', PLAN_HELP)
    .action((options: { name: string; id?: string; plan?: string }, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out }) => {
        const { name, id, plan } = options;
        const input = parseInput(organizationInput, { name, id, plan });
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
  org
    .command('update <org>')
    .description('change the name or the plan')
    .option('--name <name>', 'what people call it')
    .option('--plan <plan>', PLAN_HELP)
    .action((id: string, changes: { name?: string; plan?: string }, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out }) => {
        const before = await getOrganization(operator, id);
        const { name, plan } = parseInput(organizationInput, {
          name: changes.name ?? before.name,
          plan: changes.plan ?? before.plan,
        });
        out.record(presentOrganization(await updateOrganization(operator, id, { name, plan })));
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
    .description('delete it with its members, clients and data')
    .action((id: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out, confirm }) => {
        const { name } = await getOrganization(operator, id);
        await confirm(`Delete ${name} (${id}) with its members, clients and all data?`);
        await deleteOrganization(operator, id);
        out.record({ deleted: id });
      }),
    );
}
