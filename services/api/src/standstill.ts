import type { Guard } from '@latchkey/guard';

const BEAT_MS = 250;
/** Every process hears of a change within a second: one that stood still for longer may not have. */
const TOO_LONG_MS = 1_000;
/** No request waits longer than this for what was missed: the feed tells of it, too, a little later. */
const PATIENCE_MS = 2_000;

export interface StandstillOptions {
  /** Reads anew what may have been missed. Never rejects. */
  catchUp(): Promise<void>;
  /** Milliseconds that never go back. Default: `performance.now`. */
  monotonic?: (() => number) | undefined;
}

/**
 * A process that stood still (a paused container, a machine that moved or slept) finds requests and the feed's events
 * in its sockets at once, and answers the requests first, by what it knew before: a key that was revoked long ago
 * would work once more. So after a standstill requests wait until what was missed is read.
 */
export function holdAfterStandstill(
  guard: Guard,
  { catchUp, monotonic = () => performance.now() }: StandstillOptions,
): { guard: Guard; stop(): void } {
  let seenAt = monotonic();
  let catchingUp: Promise<void> | undefined;

  function look(): Promise<void> | undefined {
    const at = monotonic();
    if (at - seenAt > TOO_LONG_MS) {
      const caughtUp = withPatience(catchUp()).then(() => {
        if (catchingUp === caughtUp) catchingUp = undefined;
      });
      catchingUp = caughtUp;
    }
    seenAt = at;
    return catchingUp;
  }

  const timer = setInterval(look, BEAT_MS).unref();
  const protect: Guard['protect'] = (policy) => {
    const check = guard.protect(policy);
    return (request) => {
      const caughtUp = look();
      return caughtUp ? caughtUp.then(() => check(request)) : check(request);
    };
  };
  return { guard: { ...guard, protect }, stop: () => clearInterval(timer) };
}

async function withPatience(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS).unref();
  });
  await Promise.race([work, over]);
  clearTimeout(timer);
}
