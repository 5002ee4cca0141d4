/** A store that is away is asked again this often. */
const RETRY_MS = 250;

/** Whether the store is there, judged by what became of the leases asked for. Moments are monotonic milliseconds. */
export interface Presence {
  /** It failed, or did not answer in time, and has not answered since. */
  readonly away: boolean;
  /** Whether it should be asked: always, or now and then while it is away. */
  mayAsk(at: number): boolean;
  /** What was sent then has been answered. */
  answered(sentAt: number): void;
  /** What was sent then has failed. Says nothing about a store that has answered something later. */
  failed(error: unknown, sentAt: number, at: number): void;
}

export function createPresence(onUnavailable: (error: unknown) => void): Presence {
  let away = false;
  let retryAt = 0;
  let answeredFor = Number.NEGATIVE_INFINITY;
  return {
    get away() {
      return away;
    },
    mayAsk(at) {
      if (!away) return true;
      if (at < retryAt) return false;
      retryAt = at + RETRY_MS;
      return true;
    },
    answered(sentAt) {
      away = false;
      answeredFor = Math.max(answeredFor, sentAt);
    },
    failed(error, sentAt, at) {
      if (sentAt < answeredFor) return;
      retryAt = at + RETRY_MS;
      if (away) return;
      away = true;
      onUnavailable(error);
    },
  };
}
