import type { Counters } from '@latchkey/storage';

const WINDOW_SECONDS = 15 * 60;
/** Failures in one window: for one account from one address. */
export const MAX_PER_CALLER = 10;
/** From one address, whatever the accounts. */
export const MAX_PER_ADDRESS = 50;
/** For one account, wherever from: ten addresses can keep its owner out, but no single stranger. */
export const MAX_PER_ACCOUNT = 100;

export interface Attempt {
  /** Digest of the address typed, whether or not it is anybody's. */
  account: string;
  /** Where the caller is, as `addressBlock` names it. */
  address: string;
}

export type Admission =
  | { admitted: true }
  /** `first`: the attempt that met the limit; later ones of the window are not worth a record each. */
  | { admitted: false; retryAfterSeconds: number; first: boolean };

/** Slows down guessing: many passwords for one account, and one password for many accounts. */
export interface SignInThrottle {
  /** Counts the attempt. Called before the password is looked at: parallel guesses cannot slip past. */
  admit(attempt: Attempt): Promise<Admission>;
  /** Takes the attempt back: it was no guess. */
  succeed(attempt: Attempt): Promise<void>;
}

export function createThrottle(counters: Counters, now: () => Date): SignInThrottle {
  const callerKey = ({ account, address }: Attempt) => `sign-in:account:${account}:from:${address}`;
  const accountKey = ({ account }: Attempt) => `sign-in:account:${account}`;
  const addressKeys = ({ address }: Attempt) => {
    const window = Math.floor(now().getTime() / 1000 / WINDOW_SECONDS);
    return {
      attempts: `sign-in:address:${address}:${window}:attempts`,
      successes: `sign-in:address:${address}:${window}:successes`,
    };
  };

  /**
   * An address is an office as often as an attacker: its successes are taken off, rather than resetting the
   * count, which anybody with one account of his own could do between guesses. Both counts live in one window
   * of the clock, so that neither outlives the other.
   */
  async function admitAddress(attempt: Attempt): Promise<Admission> {
    const { attempts, successes } = addressKeys(attempt);
    const [attempted, succeeded] = await Promise.all([
      counters.increment(attempts, WINDOW_SECONDS),
      counters.peek(successes),
    ]);
    const elapsed = (now().getTime() / 1000) % WINDOW_SECONDS;
    return judge(attempted.count - succeeded.count, MAX_PER_ADDRESS, WINDOW_SECONDS - elapsed);
  }

  async function admitKey(key: string, limit: number): Promise<Admission> {
    const { count, resetSeconds } = await counters.increment(key, WINDOW_SECONDS);
    return judge(count, limit, resetSeconds);
  }

  return {
    async admit(attempt) {
      // One after the other: what is throttled here must not go on to use up what others share.
      const byAddress = await admitAddress(attempt);
      if (!byAddress.admitted) return byAddress;
      const byCaller = await admitKey(callerKey(attempt), MAX_PER_CALLER);
      return byCaller.admitted ? admitKey(accountKey(attempt), MAX_PER_ACCOUNT) : byCaller;
    },
    async succeed(attempt) {
      await Promise.all([
        counters.reset(callerKey(attempt)),
        counters.reset(accountKey(attempt)),
        counters.increment(addressKeys(attempt).successes, WINDOW_SECONDS),
      ]);
    },
  };
}

function judge(count: number, limit: number, resetSeconds: number): Admission {
  if (count <= limit) return { admitted: true };
  return {
    admitted: false,
    retryAfterSeconds: Math.max(1, Math.ceil(resetSeconds)),
    first: count === limit + 1,
  };
}
