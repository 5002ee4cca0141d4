import type { Limit } from './limiter.ts';
import type { Lease, LeaseRequest, Permits } from './permits.ts';
import { createPresence, type Presence } from './presence.ts';
import type { Tally } from './tally.ts';

/** A lease without any answer for so long is given up, so that another can be asked for. */
const LOST_AFTER_MS = 5_000;

export interface LeaseStore {
  readonly presence: Presence;
  /** One lease at a time for each tally. False when it failed, or was not answered before patience was over. */
  lease(key: string, tally: Tally, limit: Limit): Promise<boolean>;
  /** The store's clock, epoch milliseconds, as well as is known. */
  clockAt(at: number): number;
}

interface LeaseStoreOptions {
  permits: Permits;
  now: () => number;
  monotonic: () => number;
  patienceMs: number;
  onUnavailable: (error: unknown) => void;
}

export function createLeaseStore(options: LeaseStoreOptions): LeaseStore {
  const { permits, now, monotonic, patienceMs, onUnavailable } = options;
  const presence = createPresence(onUnavailable);
  const flights = new WeakMap<Tally, { sentAt: number; answered: Promise<boolean> }>();
  /** Of the store's clock over ours; unknown before its first answer. */
  let offset: number | undefined;

  async function ask(key: string, tally: Tally, request: LeaseRequest, sentAt: number): Promise<boolean> {
    try {
      const lease = requirePlausible(await permits.lease(key, request), request);
      if (monotonic() - sentAt <= patienceMs)
        offset = lease.windowEndsAt * 1000 - lease.windowEndsInMs - sentAt;
      tally.accept(lease, sentAt);
      presence.answered(sentAt);
      return true;
    } catch (error) {
      presence.failed(error, sentAt, monotonic());
      return false;
    }
  }

  return {
    presence,
    lease(key, tally, limit) {
      const sentAt = monotonic();
      const flight = flights.get(tally);
      if (flight && sentAt - flight.sentAt < LOST_AFTER_MS) return flight.answered;
      const asked = ask(key, tally, tally.requestFor(limit, sentAt), sentAt);
      const answered = withPatience(asked, patienceMs, () =>
        presence.failed(new Error(`no answer within ${patienceMs} ms`), sentAt, monotonic()),
      );
      flights.set(tally, { sentAt, answered });
      void asked.then(() => {
        if (flights.get(tally)?.answered === answered) flights.delete(tally);
      });
      return answered;
    },
    clockAt: (at) => (offset === undefined ? now() : at + offset),
  };
}

function withPatience(asked: Promise<boolean>, patienceMs: number, onOver: () => void): Promise<boolean> {
  return new Promise((resolve) => {
    let over: NodeJS.Immediate | undefined;
    const timer = setTimeout(() => {
      // Where this process itself stood still, the answer may lie in the socket: it is read before this runs.
      over = setImmediate(() => {
        onOver();
        resolve(false);
      });
    }, patienceMs);
    timer.unref();
    void asked.then((answered) => {
      clearTimeout(timer);
      clearImmediate(over);
      resolve(answered);
    });
  });
}

/** A lease that grants nothing of a window that has permits left would be asked for again and again. */
function requirePlausible(lease: Lease, request: LeaseRequest): Lease {
  const { granted, used, windowEndsInMs, windowEndsAt } = lease;
  const counts = Number.isInteger(granted) && Number.isInteger(used) && Number.isInteger(windowEndsAt);
  const grants = granted >= 0 && granted <= request.want && (granted > 0 || used >= request.limit);
  if (counts && grants && used >= granted && windowEndsInMs > 0) return lease;
  throw new TypeError('the store of permits answered with a lease that cannot be');
}
