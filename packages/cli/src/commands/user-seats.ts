import { ROLES } from '@latchkey/protocol';
import {
  findAccountByName,
  parseInput,
  putMember,
  removeMember,
  role as roleSchema,
} from '@latchkey/registry';
import type { Command } from 'commander';
import { CHANGE, withSession } from '../terminal/session.ts';
import { presentMember } from './present.ts';

export function addSeatCommands(user: Command): void {
  user
    .command('add-to-org <user> <org>')
    .description('give them a seat in an organisation, or another role in it')
    .requiredOption('--role <role>', ROLES.join(', '))
    .action((name: string, organizationId: string, options: { role: string }, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out }) => {
        const role = parseInput(roleSchema, options.role);
        const { id: accountId } = await findAccountByName(operator, name);
        out.record(presentMember(await putMember(operator, { organizationId, accountId, role })));
      }),
    );
  user
    .command('remove-from-org <user> <org>')
    .description('take the seat away, and end what they let applications do there')
    .action((name: string, organizationId: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out, confirm }) => {
        const { id, email } = await findAccountByName(operator, name);
        await confirm(`Remove ${email} from ${organizationId} and end their tokens for it?`);
        await removeMember(operator, organizationId, id);
        out.record({ removed: id, organization: organizationId });
      }),
    );
}
