import {
  accountInput,
  createAccount,
  deleteAccount,
  disableAccount,
  enableAccount,
  findAccountByName,
  parseInput,
  setAccountPassword,
  updateAccount,
} from '@latchkey/registry';
import { Command } from 'commander';
import { type PasswordOptions, readPassword } from '../terminal/ask.ts';
import { CHANGE, READ, withSession } from '../terminal/session.ts';
import { UsageError } from '../terminal/usage.ts';
import { presentAccount } from './present.ts';
import { addSeatCommands } from './user-seats.ts';

export function userCommand(): Command {
  const user = new Command('user').description('people who sign in; named by id or e-mail address');
  addCreate(user);
  addReads(user);
  addUpdate(user);
  addSetPassword(user);
  addSeatCommands(user);
  addEnds(user);
  return user.addHelpText(
    'after',
    `
Examples:
  latchkey user create --email ada@example.com --name "Ada Lovelace"          asks for the password
  latchkey user create --email ada@example.com --name Ada --generate-password  shows it once
  latchkey user set-password ada@example.com --password-stdin < password.txt
  latchkey user add-to-org ada@example.com org_acme --role developer`,
  );
}

function withPasswordOptions(command: Command): Command {
  return command
    .option('--password-stdin', 'read the password from stdin')
    .option('--generate-password', 'make a password and show it once');
}

function addCreate(user: Command): void {
  withPasswordOptions(
    user
      .command('create')
      .description('create a user')
      .requiredOption('--email <address>', 'with which they sign in')
      .requiredOption('--name <name>', 'what people call them')
      .option('--id <id>', 'its id (user_…); made when absent')
      .option('--email-verified', 'vouch for the address')
      .option('--no-password', 'set none yet: they cannot sign in until one is set'),
  ).action((options: CreateOptions, command: Command) =>
    withSession(command, CHANGE, async ({ operator, out }) => {
      const { id, email, name, emailVerified } = options;
      const { password, generated } = await choosePassword(options);
      const input = parseInput(accountInput, { id, email, name, email_verified: emailVerified, password });
      const account = await createAccount(operator, input);
      out.record({ ...presentAccount(account), ...(generated && { password }) });
      if (generated) out.say(SHOWN_ONCE);
    }),
  );
}

interface CreateOptions extends PasswordOptions {
  email: string;
  name: string;
  id?: string;
  emailVerified?: boolean;
  /** False with --no-password, true otherwise. */
  password: boolean;
}

const SHOWN_ONCE = '\nThe password is shown this once: hand it over now.';

async function choosePassword(options: CreateOptions): Promise<{ password?: string; generated: boolean }> {
  if (options.password) return readPassword(options);
  if (options.passwordStdin || options.generatePassword) {
    throw new UsageError('--no-password excludes --password-stdin and --generate-password.');
  }
  return { generated: false };
}

function addReads(user: Command): void {
  user
    .command('list')
    .description('list users, oldest first')
    .action((_options: unknown, command: Command) =>
      withSession(command, READ, async ({ operator, out }) => {
        const accounts = await operator.durable.accounts.list();
        out.list(accounts.map(presentAccount), ['id', 'email', 'name', 'disabled_at'], 'No users yet.');
      }),
    );
  user
    .command('show <user>')
    .description('show a user and their seats')
    .action((name: string, _options: unknown, command: Command) =>
      withSession(command, READ, async ({ operator, out }) => {
        const account = await findAccountByName(operator, name);
        const seats = await operator.durable.organizations.listMemberships(account.id);
        const organizations = seats.map(({ organization, role }) => ({
          organization: organization.id,
          role,
        }));
        out.record({ ...presentAccount(account), organizations });
      }),
    );
}

function addUpdate(user: Command): void {
  user
    .command('update <user>')
    .description('change name or e-mail address')
    .option('--email <address>', 'with which they sign in')
    .option('--name <name>', 'what people call them')
    .option('--email-verified', 'vouch for the address')
    .option('--no-email-verified', 'no longer vouch for it')
    .action(
      (name: string, changes: { email?: string; name?: string; emailVerified?: boolean }, command: Command) =>
        withSession(command, CHANGE, async ({ operator, out }) => {
          const before = await findAccountByName(operator, name);
          const input = parseInput(accountInput, {
            email: changes.email ?? before.email,
            name: changes.name ?? before.name,
          });
          const updated = await updateAccount(operator, before.id, {
            email: input.email,
            name: input.name,
            emailVerified: changes.emailVerified ?? before.emailVerified,
          });
          out.record(presentAccount(updated));
        }),
    );
}

function addSetPassword(user: Command): void {
  withPasswordOptions(
    user.command('set-password <user>').description('set a new password and end every sign-in of the user'),
  ).action((name: string, options: PasswordOptions, command: Command) =>
    withSession(command, CHANGE, async ({ operator, out }) => {
      const account = await findAccountByName(operator, name);
      const { password, generated } = await readPassword(options);
      await setAccountPassword(operator, account.id, password);
      out.record({ id: account.id, email: account.email, ...(generated && { password }) });
      out.say(generated ? SHOWN_ONCE : '\nThe password is set.');
    }),
  );
}

function addEnds(user: Command): void {
  user
    .command('disable <user>')
    .description('let them sign in no more, and end their tokens')
    .action((name: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out, confirm }) => {
        const { id, email } = await findAccountByName(operator, name);
        await confirm(`Disable ${email} (${id}) and end their tokens?`);
        out.record(presentAccount(await disableAccount(operator, id)));
      }),
    );
  user
    .command('enable <user>')
    .description('undo disable; ended tokens stay ended')
    .action((name: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out }) => {
        const { id } = await findAccountByName(operator, name);
        out.record(presentAccount(await enableAccount(operator, id)));
      }),
    );
  user
    .command('delete <user>')
    .description('delete the user with their seats and consents')
    .action((name: string, _options: unknown, command: Command) =>
      withSession(command, CHANGE, async ({ operator, out, confirm }) => {
        const { id, email } = await findAccountByName(operator, name);
        await confirm(`Delete ${email} (${id}) with all seats and consents?`);
        await deleteAccount(operator, id);
        out.record({ deleted: id });
      }),
    );
}
