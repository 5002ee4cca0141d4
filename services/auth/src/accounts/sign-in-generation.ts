import type { Account } from '@latchkey/storage';

/** What a sign-in leaves behind to speak for the account from then on: a browser session, a grant. */
export interface OfSignIn {
  /** The account's, as it was read before the password was verified. */
  signInGeneration?: number | undefined;
}

/** Of the library's models and results, whose types do not know the field. What is older than it counts as first. */
export function generationOf(signIn: object): number {
  return (signIn as OfSignIn).signInGeneration ?? 0;
}

/**
 * Whether the sign-in was made since all of the account's were last ended. A number that both sides carry, and no
 * instant: clocks differ, and sessions know theirs by the second alone.
 */
export function isOfPresentGeneration(signIn: object, account: Account): boolean {
  return generationOf(signIn) === account.signInGeneration;
}
