import { randomBytes } from 'node:crypto';
import type { Account, DurableStorage, NewAuditEvent, SharedStorage } from '@latchkey/storage';
import { hashPassword, passwordNeedsRehash, verifyPassword } from '@latchkey/storage';
import { addressBlock } from './client-address.ts';
import { digestEmail, normalizeEmail } from './email.ts';
import { createThrottle } from './throttle.ts';

/** A longer password is refused unread: argon2 would hash megabytes for a stranger. In UTF-8 bytes. */
const MAX_PASSWORD_BYTES = 1024;

export interface SignInAttempt {
  email: string;
  password: string;
  /** Address of the caller. */
  ip: string;
  requestId?: string;
}

export type SignInOutcome =
  | { outcome: 'accepted'; account: Account }
  | { outcome: 'refused' }
  | { outcome: 'throttled'; retryAfterSeconds: number };

export interface Accounts {
  /**
   * Whether this is somebody's address and password. The work and the answer are the same for a wrong password
   * and for an account that is unknown, disabled or without a password. Bad input is refused, never an error.
   */
  signIn(attempt: SignInAttempt): Promise<SignInOutcome>;
  /** The account, unless it is disabled. */
  find(id: string): Promise<Account | undefined>;
}

/** argon2id, replaceable so that a test can count the hashes. */
export interface Passwords {
  hash(password: string): Promise<string>;
  verify(digest: string, password: string): Promise<boolean>;
  needsRehash(digest: string): boolean;
}

const argon2id: Passwords = { hash: hashPassword, verify: verifyPassword, needsRehash: passwordNeedsRehash };

export interface AccountsDeps {
  durable: Pick<DurableStorage, 'accounts'>;
  shared: Pick<SharedStorage, 'counters'>;
  audit: { record(event: NewAuditEvent): Promise<void> };
  pepper: Buffer;
  now?: () => Date;
  passwords?: Passwords;
}

export function createAccounts(deps: AccountsDeps): Accounts {
  const { durable, shared, audit, pepper, now = () => new Date(), passwords = argon2id } = deps;
  const throttle = createThrottle(shared.counters, now);
  // Nobody's password, at today's cost: what an unknown account is verified against.
  const dummyDigest = passwords.hash(randomBytes(32).toString('base64url'));

  /** One look-up and one verification, whatever is wrong. */
  async function authenticate(email: string | undefined, password: string): Promise<Verdict> {
    const account = email === undefined ? undefined : await durable.accounts.findByEmail(email);
    const acceptable = Buffer.byteLength(password) <= MAX_PASSWORD_BYTES;
    const digest = account?.disabledAt ? null : (account?.passwordDigest ?? null);
    const matches = await passwords.verify(digest ?? (await dummyDigest), acceptable ? password : '');
    return { account, accepted: matches && acceptable && digest !== null };
  }

  async function rehash({ id, passwordDigest }: Account, password: string): Promise<void> {
    if (passwordDigest === null || !passwords.needsRehash(passwordDigest)) return;
    const renewed = await passwords.hash(password);
    await durable.accounts.renewPasswordDigest(id, { from: passwordDigest, to: renewed });
  }

  return {
    async signIn(attempt) {
      const email = normalizeEmail(attempt.email);
      const emailDigest = digestEmail(pepper, email ?? attempt.email);
      const counted = { account: emailDigest, address: addressBlock(attempt.ip) };
      const admission = await throttle.admit(counted);
      if (!admission.admitted) {
        if (admission.first) await audit.record(describe(attempt, emailDigest, 'throttled'));
        return { outcome: 'throttled', retryAfterSeconds: admission.retryAfterSeconds };
      }
      const { account, accepted } = await authenticate(email, attempt.password);
      if (!accepted || !account) {
        await audit.record(describe(attempt, emailDigest, reasonOf(account), account));
        return { outcome: 'refused' };
      }
      await throttle.succeed(counted);
      await rehash(account, attempt.password);
      await audit.record(describe(attempt, emailDigest, 'accepted', account));
      return { outcome: 'accepted', account };
    },
    async find(id) {
      const account = await durable.accounts.find(id);
      return account?.disabledAt ? undefined : account;
    },
  };
}

interface Verdict {
  account: Account | undefined;
  accepted: boolean;
}

function reasonOf(account: Account | undefined): string {
  if (!account) return 'unknown_account';
  if (account.disabledAt) return 'disabled_account';
  return account.passwordDigest === null ? 'no_password' : 'wrong_password';
}

/** An address without an account stays out of the log in clear: it may be a password typed into the wrong box. */
function describe(
  { ip, requestId }: SignInAttempt,
  emailDigest: string,
  reason: string,
  account?: Account,
): NewAuditEvent {
  const accepted = reason === 'accepted';
  return {
    action: accepted ? 'sign_in.succeeded' : 'sign_in.failed',
    result: accepted ? 'success' : 'failure',
    actor: { type: 'account', id: account?.id ?? null },
    ip,
    requestId: requestId ?? null,
    details: accepted ? { method: 'password' } : { reason, email_digest: emailDigest },
  };
}
