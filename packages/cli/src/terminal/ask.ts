import { confirm, isCancel, password as promptPassword } from '@clack/prompts';
import { generatePassword, parseInput, password as passwordSchema } from '@latchkey/registry';
import { CancelledError, UsageError } from './usage.ts';

/** Questions go to stderr, so that stdout holds results alone. */
const output = process.stderr;

function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Asks before something that cannot be taken back. @throws {CancelledError} on a no */
export async function confirmOrCancel(question: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!isInteractive()) {
    throw new UsageError(`${question} There is no terminal to ask on: say --yes to go ahead.`);
  }
  const answer = await confirm({ message: question, initialValue: false, output });
  if (isCancel(answer) || !answer) throw new CancelledError();
}

export interface PasswordOptions {
  passwordStdin?: boolean;
  generatePassword?: boolean;
}

/** A password by the way the operator chose: never as an argument, where shells and process lists would keep it. */
export async function readPassword(
  options: PasswordOptions,
): Promise<{ password: string; generated: boolean }> {
  if (options.passwordStdin && options.generatePassword) {
    throw new UsageError('--password-stdin and --generate-password exclude each other.');
  }
  if (options.generatePassword) return { password: generatePassword(), generated: true };
  const password = options.passwordStdin ? await readStdin() : await askPassword();
  return { password: parseInput(passwordSchema, password), generated: false };
}

async function askPassword(): Promise<string> {
  if (!isInteractive()) {
    throw new UsageError('A password is needed: say --password-stdin or --generate-password.');
  }
  const answer = await promptPassword({ message: 'Password', output });
  if (isCancel(answer)) throw new CancelledError();
  return answer;
}

/** All of stdin without the line end that `echo` and editors add. */
async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}
