import { setTimeout as delay } from 'node:timers/promises';
import type { FeedEvent } from '@latchkey/storage';
import { errors } from 'oidc-provider';
import { keysOf, type TokenSubjects } from './revocation-status.ts';

/**
 * A revocation ends what is issued until a few seconds after it (`inRevokingTransaction`), so that it reaches whatever a
 * process whose clock is ahead had issued before. Who starts anew at once, signed in again under another role or
 * enabled again, would get a token that is dead. He waits those seconds out instead.
 */
export interface RecentRevocations {
  onEvent(event: FeedEvent): void;
  /**
   * Returns when what is issued to the subjects is issued after every revocation of theirs that was heard of. What is
   * looked up for the token is to be looked up after it. Rejects when they were revoked once more meanwhile: what let the
   * request come as far as here is no longer true.
   */
  waitOut(subjects: Omit<TokenSubjects, 'jti' | 'grantId' | 'issuedAt'>): Promise<void>;
}

/** A revoker's clock may be anywhere: no request waits for longer. */
const LONGEST_WAIT_MS = 10_000;
/** Timers may fire a little early. */
const EARLY_MS = 5;

export function createRecentRevocations(now: () => Date): RecentRevocations {
  /** When tokens of the subject cease to be dead, epoch milliseconds; those heard of first come first. */
  const ends = new Map<string, number>();
  const lastOf = (names: string[]) => Math.max(...names.map((name) => ends.get(name) ?? 0));

  function forgetPast(): void {
    const past = now().getTime() - LONGEST_WAIT_MS;
    for (const [name, end] of ends) {
      if (end > past) return;
      ends.delete(name);
    }
  }

  return {
    onEvent(event) {
      if (event.type !== 'revocation') return;
      const { subject, id, revokedAt } = event.revocation;
      // Neither ever comes back.
      if (subject === 'token' || subject === 'grant') return;
      forgetPast();
      const name = `${subject}:${id}`;
      const end = Math.max(ends.get(name) ?? 0, revokedAt.getTime());
      ends.delete(name);
      ends.set(name, end);
    },
    async waitOut(subjects) {
      if (ends.size === 0) return;
      const names = keysOf(subjects).map(({ subject, id }) => `${subject}:${id}`);
      const last = lastOf(names);
      // `iat` is in whole seconds, and the one in which a revocation falls is dead.
      const wait = (Math.floor(last / 1000) + 1) * 1000 - now().getTime();
      if (wait <= 0 || wait > LONGEST_WAIT_MS) return;
      await delay(wait + EARLY_MS);
      if (lastOf(names) > last)
        throw new errors.InvalidGrant({ detail: 'revoked while it was to be issued' });
    },
  };
}
