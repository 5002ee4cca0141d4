import type { Limit, LimitDecision, LimitState } from './limiter.ts';

/*
 * `RateLimit-Policy` and `RateLimit` as in draft-ietf-httpapi-ratelimit-headers-11 §3 and §4: Lists of Strings (RFC 9651)
 * with the quota `q` and its window `w` in seconds, and what remains `r` and for how many seconds `t`. The older
 * `X-RateLimit-*` know one window only: they tell of the one that blocks first.
 */

const policies = new WeakMap<Limit, string>();

type Standing = Pick<LimitDecision, 'states' | 'at'>;

/** The fields that tell a client where it stood when that was decided; none without limits. */
export function formatLimitHeaders({ states, at }: Standing): Record<string, string> {
  let [blocking] = states;
  if (blocking === undefined) return {};
  let policy = '';
  let standing = '';
  for (const state of states) {
    const separator = policy === '' ? '' : ', ';
    policy += separator + policyOf(state.limit);
    standing += `${separator}"${state.limit.name}";r=${state.remaining};t=${secondsLeft(state, at)}`;
    if (blocksBefore(state, blocking)) blocking = state;
  }
  return {
    'X-RateLimit-Limit': `${blocking.limit.requests}`,
    'X-RateLimit-Remaining': `${blocking.remaining}`,
    'X-RateLimit-Reset': `${blocking.resetAt}`,
    'RateLimit-Policy': policy,
    RateLimit: standing,
  };
}

/**
 * `Retry-After` of a refusal (RFC 9110 §10.2.3): whole seconds until every window that is used up has ended, so that
 * trying again then can succeed. At least 1.
 */
export function retryAfterSeconds({ states, at }: Standing): number {
  let seconds = 1;
  for (const state of states) {
    if (state.remaining === 0) seconds = Math.max(seconds, secondsLeft(state, at));
  }
  return seconds;
}

/** Of windows that are equally near to their end, the one that lasts longer: after its reset the other is over too. */
function blocksBefore(a: LimitState, b: LimitState): boolean {
  return a.remaining < b.remaining || (a.remaining === b.remaining && a.resetAt > b.resetAt);
}

function secondsLeft({ resetAt }: LimitState, at: number): number {
  return Math.max(0, Math.ceil(resetAt - at / 1000));
}

function policyOf(limit: Limit): string {
  let text = policies.get(limit);
  if (text === undefined) {
    text = `"${limit.name}";q=${limit.requests};w=${limit.windowSeconds}`;
    policies.set(limit, text);
  }
  return text;
}
